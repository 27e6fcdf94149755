import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FileEntry, type Packed, packArtifact, type StreamedFile } from '../pack.ts';
import type { ArtifactStore } from '../store.ts';

/** An artifact in memory, for tests that look into it or store it more than once. */
export interface PackedInMemory extends Omit<Packed, 'file'> {
  bytes: Buffer;
}

/** Packs files as `packArtifact` does. */
export async function packInMemory(
  files: Iterable<FileEntry> | AsyncIterable<StreamedFile>,
): Promise<PackedInMemory> {
  const dir = await mkdtemp(join(tmpdir(), 'weir-pack-'));
  try {
    const { file, ...packed } = await packArtifact(files, { dir });
    return { ...packed, bytes: await readFile(file) };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Stores a copy of an artifact: `put` moves the file that it gets. */
export async function putArtifact(
  store: Pick<ArtifactStore, 'put'>,
  { bytes, ...packed }: PackedInMemory,
  namespace?: string,
): Promise<void> {
  const file = join(tmpdir(), `weir-${randomUUID()}.tar.gz`);
  await writeFile(file, bytes);
  try {
    await store.put({ ...packed, file }, namespace);
  } finally {
    await rm(file, { force: true });
  }
}
