export { originRevision } from './artifact.ts';
export type { SourceObject } from './kind-watches.ts';
export { findArtifact, type Lookup } from './lookup.ts';
export { type ReferenceRules, refusedReference, sourceKey } from './references.ts';
export {
  type ArtifactChange,
  createSources,
  type Source,
  type SourceReference,
  type Sources,
  type SourcesOptions,
} from './sources.ts';
