export { reachableAt } from './address.ts';
export type { ArtifactMessage, ArtifactRef, CommitHint } from './announcement.ts';
export {
  type ArtifactReading,
  announcedArtifacts,
  newestArtifact,
  publishArtifact,
  purgeArtifact,
  readArtifacts,
} from './announcements.ts';
export type { StoredArtifact } from './blobs.ts';
export { digestOf } from './digest.ts';
export { ArtifactError, type ArtifactFailure, ArtifactMissing, storageError } from './errors.ts';
export { type ArtifactCache, type Fetched, type FetchOptions, fetchArtifact } from './fetch.ts';
export type { FileIndex } from './file-index.ts';
export { collectGarbage } from './garbage.ts';
export {
  type FileEntry,
  type Packed,
  type PackOptions,
  packArtifact,
  type StreamedFile,
  sortByPath,
} from './pack.ts';
export { type ArtifactSuffix, artifactPath, latestPath, pathDigest, suffixOf } from './path.ts';
export { type ArtifactServer, type ServeOptions, serveArtifacts } from './server.ts';
export { type ArtifactStore, createStore, type StoreOptions } from './store.ts';
export { artifactFilter, artifactSubject } from './subjects.ts';
export { readTar, type TarEntry, type TarLimits } from './tar.ts';
export { readFileIndex, type UnpackLimits } from './unpack.ts';
