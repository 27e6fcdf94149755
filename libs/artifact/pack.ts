import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Pack, pack } from 'tar-stream';
import { PART_SUFFIX } from './cache-space.ts';
import { ArtifactError, isSystemError, storageError } from './errors.ts';
import type { FileIndex } from './file-index.ts';

/** A file of a source. Of `mode`, which is Git's or the file system's, only the type and the executable bit matter. */
export interface FileEntry {
  /** Relative, with slashes. */
  path: string;
  mode: number;
  content: Uint8Array;
}

/** A file whose content is a stream; it is read once, before the next file. */
export interface StreamedFile {
  path: string;
  mode: number;
  /** Bytes of the content. */
  size: number;
  content: AsyncIterable<Uint8Array>;
}

export interface Packed {
  /** Path of the tar.gz, which belongs to the caller until `ArtifactStore.put` moves it. */
  file: string;
  /** `sha256:<hex>` of the tar.gz. */
  digest: string;
  /** Bytes of the tar.gz. */
  size: number;
  fileIndex: FileIndex;
}

// As in Flux's archives (artifact/storage in fluxcd/pkg).
const FILE_MODE = 0o600;
const EXECUTABLE_MODE = 0o700;

const TYPE_MASK = 0o170000;
const SYMLINK = 0o120000;
const SUBMODULE = 0o160000;
const EPOCH = new Date(0);

export interface PackOptions {
  /**
   * Folder for the result; it is created if it is missing. It should be the store's folder, so that the file can be
   * moved there.
   */
  dir: string;
  /** Bytes of the tar.gz; 128 MiB unless given. */
  maxBytes?: number | undefined;
}

const DEFAULT_MAX_BYTES = 128 * 1024 ** 2;

/**
 * Packs files into a tar.gz that depends on their paths, contents and executable bits alone: sorted, without times,
 * owners and directories. Symbolic links and submodules are left out. The bytes also depend on the zlib of the Node
 * release, so replicas should run the same one. Contents are streamed: neither a file nor the archive is in memory.
 * @param entries in any order when they are in memory; a stream has to be sorted, see `sortByPath`
 * @throws ArtifactError ArtifactInvalid for a path that leaves the archive, comes twice or isn't in order;
 * ArtifactTooLarge, StorageFull
 */
export async function packArtifact(
  entries: Iterable<FileEntry> | AsyncIterable<StreamedFile>,
  { dir, maxBytes = DEFAULT_MAX_BYTES }: PackOptions,
): Promise<Packed> {
  const file = join(dir, `${randomUUID()}${PART_SUFFIX}`);
  const output = await createFile(dir, file);
  const archive = pack();
  const digest = createHash('sha256');
  let size = 0;
  async function* measured(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of withoutOrigin(chunks)) {
      digest.update(chunk);
      size += chunk.length;
      if (size > maxBytes) {
        const what = `the artifact is larger than ${maxBytes} bytes (--artifact-max-packed-bytes)`;
        throw new ArtifactError('ArtifactTooLarge', `${what}: leave files out with spec.ignore`);
      }
      yield chunk;
    }
  }
  const writing = pipeline(
    inBlocks(archive),
    createGzip({ level: 6 }),
    measured,
    output.createWriteStream(),
  );
  try {
    const adding = addFiles(archive, streamed(entries), writing);
    adding.catch((error: Error) => archive.destroy(error));
    const [fileIndex] = await Promise.all([adding, writing]);
    return { file, digest: `sha256:${digest.digest('hex')}`, size, fileIndex };
  } catch (failure) {
    // A failure of writing ends the archive, by which adding fails too. In that case the failure of writing is
    // reported.
    const error: unknown = await writing.then(
      () => failure,
      (cause: unknown) => cause,
    );
    await rm(file, { force: true });
    throw isSystemError(error) ? storageError('cannot pack an artifact', error) : error;
  }
}

/** Creates the file before anything is written, so that after a failure there is a file to remove. */
async function createFile(dir: string, file: string): Promise<FileHandle> {
  try {
    await mkdir(dir, { recursive: true });
    return await open(file, 'wx', 0o640);
  } catch (error) {
    throw storageError('cannot pack an artifact', error);
  }
}

/** Adds all files. Each write waits for `writing`, which fails when the disk does. */
async function addFiles(
  archive: Pack,
  files: AsyncIterable<StreamedFile>,
  writing: Promise<void>,
): Promise<FileIndex> {
  const fileIndex: FileIndex = Object.create(null);
  let before: Buffer | undefined;
  for await (const file of files) {
    const type = file.mode & TYPE_MASK;
    if (type === SYMLINK || type === SUBMODULE) continue;
    before = checkPath(file.path, before);
    fileIndex[file.path] = await addFile(archive, file, writing);
  }
  archive.finalize();
  return fileIndex;
}

/** Adds one file and returns the digest of its content. */
async function addFile(
  archive: Pack,
  { path, mode, size, content }: StreamedFile,
  writing: Promise<void>,
): Promise<string> {
  const hash = createHash('sha256');
  const fileMode = (mode & 0o111) === 0 ? FILE_MODE : EXECUTABLE_MODE;
  const added = Promise.withResolvers<void>();
  const header = { name: path, size, mode: fileMode, mtime: EPOCH, uid: 0, gid: 0 };
  const entry = archive.entry(header, (error) => (error ? added.reject(error) : added.resolve()));
  entry.on('error', added.reject);
  // The same failure reaches the pipeline, which is awaited.
  added.promise.catch(() => undefined);
  for await (const chunk of content) {
    hash.update(chunk);
    if (!entry.write(chunk)) await Promise.race([once(entry, 'drain'), writing, added.promise]);
  }
  entry.end(null);
  await Promise.race([added.promise, writing]);
  return `sha256:${hash.digest('hex')}`;
}

async function* streamed(
  entries: Iterable<FileEntry> | AsyncIterable<StreamedFile>,
): AsyncGenerator<StreamedFile> {
  if (Symbol.asyncIterator in entries) {
    yield* entries;
    return;
  }
  for (const { path, mode, content } of sortByPath([...entries])) {
    yield { path, mode, size: content.length, content: only(content) };
  }
}

async function* only(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}

/** Files in the order of an archive: by the bytes of their paths in UTF-8. */
export function sortByPath<T extends { path: string }>(files: readonly T[]): T[] {
  return files
    .map((file) => ({ file, key: Buffer.from(file.path) }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ file }) => file);
}

/** Checks a path that comes after `before`; returns its bytes. */
function checkPath(path: string, before: Buffer | undefined): Buffer {
  const segments = path.split('/');
  if (
    segments.some((part) => part === '' || part === '.' || part === '..') ||
    path.includes('\0')
  ) {
    throw new ArtifactError(
      'ArtifactInvalid',
      `the path ${JSON.stringify(path)} leaves the archive`,
    );
  }
  const bytes = Buffer.from(path);
  const order = before === undefined ? -1 : Buffer.compare(before, bytes);
  if (order === 0) throw new ArtifactError('ArtifactInvalid', `the file ${path} is there twice`);
  if (order > 0) throw new ArtifactError('ArtifactInvalid', `the file ${path} comes out of order`);
  return bytes;
}

const BLOCK = 64 * 1024;

/** Joins small pieces, because compressing each of them costs a round trip through the thread pool. */
async function* inBlocks(chunks: AsyncIterable<unknown>): AsyncGenerator<Buffer> {
  let block: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks as AsyncIterable<Buffer>) {
    block.push(chunk);
    size += chunk.length;
    if (size < BLOCK) continue;
    yield Buffer.concat(block);
    block = [];
    size = 0;
  }
  yield Buffer.concat(block);
}

/**
 * Clears the fields of a gzip header that depend on the machine: time, flags of the compressor, system (RFC 1952,
 * 2.3.1).
 */
async function* withoutOrigin(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const cleared = Buffer.from([0, 0, 0, 0, 0, 255]);
  let at = 0;
  for await (const chunk of chunks) {
    if (at < 10) {
      for (let index = 4; index < 10; index++) {
        if (index >= at && index - at < chunk.length) chunk[index - at] = cleared[index - 4] ?? 0;
      }
    }
    at += chunk.length;
    yield chunk;
  }
}
