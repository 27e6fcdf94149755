// Fetches the contents of LFS pointers into files beside the repository.
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { mapBounded } from '@weir/async';
import { connectionProblem } from '@weir/net';
import { GitError } from '../errors.ts';
import { askBatch, BATCH, type LfsDownload } from './batch.ts';
import { failure, interrupted, type LfsClient, type LfsRemote, openLfs } from './client.ts';
import type { LfsPointer } from './pointer.ts';

export interface FetchLfsOptions extends LfsRemote {
  /** Folder for the contents, of this repository and these credentials only; it has what was fetched before. */
  dir: string;
  /** Bytes of all contents together. */
  maxBytes: number;
}

/** Downloads at a time. */
const AT_A_TIME = 4;

/**
 * Fetches the contents that the folder lacks, with the repository's own credentials, and removes those that no pointer
 * names. A file gets its name only after its size and digest were checked.
 * @returns the path of a content, by its oid
 * @throws GitError LimitExceeded before anything is fetched; what the server refuses
 */
export async function fetchLfs(
  pointers: Iterable<LfsPointer>,
  options: FetchLfsOptions,
): Promise<(oid: string) => string> {
  const { dir, maxBytes } = options;
  const wanted = new Map([...pointers].map((pointer) => [pointer.oid, pointer]));
  const bytes = [...wanted.values()].reduce((sum, { size }) => sum + size, 0);
  if (bytes > maxBytes) {
    const what = `the LFS objects have ${bytes} bytes, of ${maxBytes} at most (--artifact-max-bytes)`;
    throw new GitError('LimitExceeded', `${what}: leave files out with spec.ignore`);
  }
  await mkdir(dir, { recursive: true });
  const kept = await keepOnly(dir, wanted);
  const missing = [...wanted.values()].filter(({ oid }) => !kept.has(oid));
  const pathOf = (oid: string) => join(dir, oid);
  if (missing.length === 0) return pathOf;
  const client = await openLfs(options);
  try {
    for (let at = 0; at < missing.length; at += BATCH) {
      const downloads = await askBatch(client, missing.slice(at, at + BATCH));
      await mapBounded(downloads, AT_A_TIME, (it) => receive(client, it, options));
    }
  } finally {
    client.close();
  }
  return pathOf;
}

/**
 * Removes files that are not wanted.
 * @returns the oids of the others
 */
async function keepOnly(
  dir: string,
  wanted: ReadonlyMap<string, LfsPointer>,
): Promise<Set<string>> {
  const kept = new Set<string>();
  for (const name of await readdir(dir)) {
    const path = join(dir, name);
    const { size } = await stat(path);
    if (wanted.get(name)?.size === size) kept.add(name);
    else await rm(path, { recursive: true, force: true });
  }
  return kept;
}

async function receive(
  client: LfsClient,
  { oid, size, href, headers }: LfsDownload,
  { dir, signal }: FetchLfsOptions,
): Promise<void> {
  const response = await client.get(href, headers);
  const part = join(dir, `${randomUUID()}.part`);
  const file = await open(part, 'wx', 0o600);
  const hash = createHash('sha256');
  let received = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      received += chunk.length;
      if (received > size) break;
      hash.update(chunk);
      await file.write(chunk);
    }
    await file.close();
    if (received !== size || hash.digest('hex') !== oid) {
      const message = `LFS object ${oid}: what was sent is not what the pointer names`;
      throw new GitError('GitOperationFailed', message);
    }
    await rename(part, join(dir, oid));
  } catch (cause) {
    await file.close();
    await rm(part, { force: true });
    if (cause instanceof GitError) throw cause;
    if (signal.aborted) throw interrupted(href, signal);
    throw failure('Unreachable', href, connectionProblem(cause), cause);
  } finally {
    response.destroy();
  }
}
