import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type Pack, pack } from 'tar-stream';
import { digestOf } from './digest.ts';
import { ArtifactError } from './errors.ts';
import type { Manifest } from './manifest.ts';

/** A file of a source. `mode` is Git's or the file system's: what matters is its type and whether it can be executed. */
export interface FileEntry {
  /** Relative, with slashes. */
  path: string;
  mode: number;
  content: Buffer;
}

export interface Packed {
  /** The tar.gz. */
  bytes: Buffer;
  /** `sha256:<hex>` of `bytes`. */
  digest: string;
  /** Length of `bytes`. */
  size: number;
  manifest: Manifest;
}

// As in Flux's archives (artifact/storage in fluxcd/pkg).
const FILE_MODE = 0o600;
const EXECUTABLE_MODE = 0o700;

const TYPE_MASK = 0o170000;
const SYMLINK = 0o120000;
const SUBMODULE = 0o160000;
const EPOCH = new Date(0);

const compress = promisify(gzip);

/**
 * Packs files into a tar.gz that depends on their paths, contents and executable bits alone: sorted, without
 * times, owners and directories. Symlinks and submodules are dropped. The bytes also depend on the zlib of the
 * Node release, so replicas should run the same. Rejects with ArtifactError (ArtifactInvalid) for a path that
 * leaves the archive or comes twice.
 */
export async function packArtifact(
  entries: Iterable<FileEntry> | AsyncIterable<FileEntry>,
): Promise<Packed> {
  const files = await sorted(entries);
  const manifest: Manifest = Object.create(null);
  const archive = pack();
  const collected = collect(archive);
  for (const { path, mode, content } of files) {
    manifest[path] = digestOf(content);
    const fileMode = (mode & 0o111) === 0 ? FILE_MODE : EXECUTABLE_MODE;
    archive.entry({ name: path, mode: fileMode, mtime: EPOCH, uid: 0, gid: 0 }, content);
  }
  archive.finalize();
  const bytes = withoutOrigin(await compress(await collected, { level: 6 }));
  return { bytes, digest: digestOf(bytes), size: bytes.length, manifest };
}

async function sorted(
  entries: Iterable<FileEntry> | AsyncIterable<FileEntry>,
): Promise<FileEntry[]> {
  const files = new Map<string, FileEntry>();
  for await (const entry of entries) {
    const type = entry.mode & TYPE_MASK;
    if (type === SYMLINK || type === SUBMODULE) continue;
    checkPath(entry.path);
    if (files.has(entry.path)) {
      throw new ArtifactError('ArtifactInvalid', `the file ${entry.path} is there twice`);
    }
    files.set(entry.path, entry);
  }
  return [...files.values()].sort((a, b) =>
    Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)),
  );
}

function checkPath(path: string): void {
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
}

async function collect(archive: Pack): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Clears what a gzip header says about its maker: time, flags of the compressor, system (RFC 1952, 2.3.1). */
function withoutOrigin(bytes: Buffer): Buffer {
  bytes.fill(0, 4, 9);
  bytes[9] = 255;
  return bytes;
}
