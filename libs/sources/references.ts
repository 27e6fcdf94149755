// Which sources an object may refer to. These are Flux's rules; they depend on nothing but the reference itself.
import { type KindReference, resolveReference } from '@weir/api';
import { objectKey } from '@weir/kube';

/** The group of all kinds of sources. */
export const SOURCE_GROUP = 'source.toolkit.fluxcd.io';

/** An object that refers to a source. */
type Owner = Parameters<typeof resolveReference>[1];
/** The parts of a reference that say which source is meant. */
type Reference = Pick<KindReference, 'kind' | 'name'> & { namespace?: string };

export interface ReferenceRules {
  /** Whether an object may only refer to sources in its own namespace (`--no-cross-namespace-refs`). */
  noCrossNamespaceRefs: boolean;
  /** Whether ExternalArtifacts may be referred to (Flux's feature gate `ExternalArtifact`). */
  allowExternalArtifact: boolean;
}

/** `<kind>/<namespace>/<name>` of the source that `owner` refers to. */
export function sourceKey(reference: Reference, owner: Owner): string {
  return `${reference.kind}/${objectKey(resolveReference(reference, owner))}`;
}

/** Why `owner` may not refer to this source, as Flux says it; undefined when it may. */
export function refusedReference(
  reference: Reference,
  owner: Owner,
  { noCrossNamespaceRefs, allowExternalArtifact }: ReferenceRules,
): string | undefined {
  const denied = `can't access '${sourceKey(reference, owner)}'`;
  const { namespace } = resolveReference(reference, owner);
  if (noCrossNamespaceRefs && namespace !== (owner.metadata.namespace ?? '')) {
    return `${denied}, cross-namespace references have been blocked`;
  }
  if (reference.kind === 'ExternalArtifact' && !allowExternalArtifact) {
    return `${denied}, ExternalArtifact feature gate is disabled`;
  }
  return undefined;
}
