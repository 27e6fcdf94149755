// From a reference to the artifact that its source has now, or to what is missing.
import { type Artifact, type KindReference, resolveReference } from '@weir/api';
import { isNoMatch } from '@weir/kube';
import { SourcesNotListed } from './kind-watches.ts';
import { SOURCE_GROUP } from './references.ts';
import type { Sources } from './sources.ts';

export type Lookup =
  | { found: true; artifact: Artifact }
  /** `kind`: it is not served. `list`: its objects can't be listed now. `source`, `artifact`: not there yet. */
  | {
      found: false;
      missing: 'kind' | 'list' | 'source' | 'artifact';
      /** In Flux's words. */
      message: string;
      cause?: unknown;
    };

/** Rejects only with trouble that is neither a missing kind nor a list that doesn't come. */
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
