// Pointers of Git LFS, which replace large files in a repository (git-lfs, docs/spec.md).
import { GitError } from '../errors.ts';
import type { ObjectReader } from '../objects.ts';
import { readFiles, type TreeEntry } from '../tree.ts';

export interface LfsPointer {
  /** SHA-256 of the content, in hex. */
  oid: string;
  /** Bytes of the content. */
  size: number;
}

/** A pointer is shorter than this, in bytes. */
const MAX_POINTER = 1024;
/** The second URL is the original one of the format. */
const VERSIONS = ['https://git-lfs.github.com/spec/v1', 'https://hawser.github.com/spec/v1'];

/**
 * Reads a pointer. Undefined for any other content.
 * @throws GitError GitOperationFailed for a pointer that names an extension: only a program could undo what that did
 */
export function parsePointer(content: Buffer): LfsPointer | undefined {
  if (content.length >= MAX_POINTER || !content.toString('latin1').startsWith('version ')) return;
  const lines = content.toString('utf8').split('\n');
  const version = lines[0]?.slice('version '.length);
  if (version === undefined || !VERSIONS.includes(version) || lines.pop() !== '') return;
  const values = new Map<string, string>();
  for (const line of lines.slice(1)) {
    const [, key, value] = /^([a-z0-9.-]+) (.+)$/.exec(line) ?? [];
    if (key === undefined || value === undefined) return;
    values.set(key, value);
  }
  const [, oid] = /^sha256:([0-9a-f]{64})$/.exec(values.get('oid') ?? '') ?? [];
  const [size] = /^\d{1,15}$/.exec(values.get('size') ?? '') ?? [];
  if (oid === undefined || size === undefined) return;
  if ([...values.keys()].some((key) => key.startsWith('ext-'))) {
    const message = `the LFS pointer of ${oid.slice(0, 12)} uses an extension, which isn't supported`;
    throw new GitError('GitOperationFailed', message);
  }
  return { oid, size: Number(size) };
}

/**
 * The pointers among files of a repository, by the object id of the file.
 * @throws GitError LimitExceeded
 */
export async function findPointers(
  objects: ObjectReader,
  entries: readonly TreeEntry[],
  maxBytes: number,
): Promise<Map<string, LfsPointer>> {
  const found = new Map<string, LfsPointer>();
  for await (const { id, size, content } of readFiles(objects, entries, maxBytes)) {
    if (size >= MAX_POINTER || size === 0 || found.has(id)) continue;
    const chunks: Buffer[] = [];
    for await (const chunk of content) chunks.push(chunk);
    const pointer = parsePointer(Buffer.concat(chunks));
    if (pointer !== undefined) found.set(id, pointer);
  }
  return found;
}
