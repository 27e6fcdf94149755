export { createDiskStore } from './disk-store.ts';
export { type PackedInMemory, packInMemory, putArtifact } from './pack.ts';
