// Finds the artifact that a reference's source has now, or says what is missing.
import { type Artifact, type KindReference, resolveReference } from '@weir/api';
import { isNoMatch } from '@weir/kube';
import { SourcesNotListed } from './kind-watches.ts';
import { SOURCE_GROUP } from './references.ts';
import type { Sources } from './sources.ts';

export type Lookup =
  | { found: true; artifact: Artifact }
  /**
   * What is missing. `kind`: the kind is not served. `list`: its objects can't be listed now. `source`, `artifact`: it
   * does not exist yet.
   */
  | {
      found: false;
      missing: 'kind' | 'list' | 'source' | 'artifact';
      /** The message that Flux has for this. */
      message: string;
      cause?: unknown;
    };

/** Rejects only for errors other than a missing kind or a list that does not arrive. */
export async function findArtifact(
  sources: Pick<Sources, 'find'>,
  reference: Pick<KindReference, 'kind' | 'name'> & { namespace?: string },
  owner: Parameters<typeof resolveReference>[1],
): Promise<Lookup> {
  const { kind } = reference;
  const { namespace, name } = resolveReference(reference, owner);
  try {
    const source = await sources.find({ kind, namespace, name });
    if (source === undefined) {
      const message = `${kind}.${SOURCE_GROUP} "${name}" not found`;
      return { found: false, missing: 'source', message };
    }
    if (source.artifact === undefined) {
      return { found: false, missing: 'artifact', message: 'Source artifact not found' };
    }
    return { found: true, artifact: source.artifact };
  } catch (cause) {
    if (isNoMatch(cause)) {
      const message = `unable to get source '${namespace}/${name}': ${cause.message}`;
      return { found: false, missing: 'kind', message, cause };
    }
    if (!(cause instanceof SourcesNotListed)) throw cause;
    return { found: false, missing: 'list', message: cause.message, cause };
  }
}
