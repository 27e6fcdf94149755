// Finds the files of a repository with markers. A folder is read once: the result is kept by the id of its Git tree,
// which covers all of its contents. After the first run a commit costs only what it changed.
import { type BoundedMap, createBoundedMap } from '@weir/async';
import { GitError, type GitObject, type Repository } from '@weir/git';
import type { ResolvedPath } from './path.ts';
import { TOKEN } from './setters/marker.ts';
import { findMarkedValues, type MarkedValue } from './setters/scan.ts';

export interface MarkedFile {
  /** Path relative to the folder where the search began. */
  path: string;
  /** Object id of the content. */
  id: string;
  marked: readonly MarkedValue[];
}

/** The entries of a folder that have markers; names are those of the folder's entries. */
interface Folder {
  files: readonly { name: string; id: string }[];
  folders: readonly { name: string; folder: Folder }[];
}

/** Results for folders and files, by repository and object id. */
export interface MarkedFolders {
  folders: BoundedMap<string, Folder>;
  files: BoundedMap<string, readonly MarkedValue[]>;
}

export interface SearchLimits {
  /** Files of any kind. */
  maxFiles: number;
  /** Bytes of all YAML that is read. */
  maxBytes: number;
  /** Bytes of one file with markers. */
  maxFileBytes: number;
}

export const defaultSearchLimits: SearchLimits = {
  maxFiles: 100_000,
  maxBytes: 512 * 1024 ** 2,
  // To parse this much YAML takes about half a second.
  maxFileBytes: 1024 ** 2,
};

const MAX_DEPTH = 100;
const MAX_MARKED_FILES = 20_000;
/** Characters of names and markers that are kept of all repositories. */
const MAX_KEPT = 32 * 1024 ** 2;

export function createMarkedFolders(): MarkedFolders {
  return {
    folders: createBoundedMap<string, Folder>({
      max: MAX_KEPT,
      weigh: ({ files, folders }) => 100 + (files.length + folders.length) * 100,
    }),
    files: createBoundedMap<string, readonly MarkedValue[]>({
      max: MAX_KEPT,
      weigh: (marked) => 100 + marked.length * 300,
    }),
  };
}

export interface SearchOptions {
  known: MarkedFolders;
  /** Represents the repository in the keys of the results. */
  scope: string;
  limits: SearchLimits;
  signal: AbortSignal;
}

/**
 * The files with markers in a folder and below, or a single file, sorted by path. As in Flux only files whose names end
 * in `.yaml` or `.yml`, or are `Kustomization`, are read; links aren't followed.
 * @throws GitError LimitExceeded
 */
export async function findMarkedFiles(
  repository: Repository,
  resolved: ResolvedPath,
  options: SearchOptions,
): Promise<MarkedFile[]> {
  const { known, scope, limits, signal } = options;
  const left = { files: limits.maxFiles, bytes: limits.maxBytes };
  const keyOf = (id: string) => `${scope}\0${id}`;

  async function search(id: string, depth: number): Promise<Folder> {
    const before = known.folders.get(keyOf(id));
    if (before !== undefined) return before;
    signal.throwIfAborted();
    if (depth > MAX_DEPTH) throw tooMuch(`folders more than ${MAX_DEPTH} deep`);
    const entries = await repository.tree(id);
    left.files -= entries.length;
    if (left.files < 0) throw tooMuch(`more than ${limits.maxFiles} files`);
    const candidates = entries.filter(({ mode, name }) => isRegular(mode) && isYaml(name));
    await readAll(candidates);
    const folders: { name: string; folder: Folder }[] = [];
    for (const entry of entries) {
      if (entry.mode !== FOLDER) continue;
      const folder = await search(entry.id, depth + 1);
      if (folder.files.length + folder.folders.length > 0) {
        folders.push({ name: entry.name, folder });
      }
    }
    const files = candidates.filter((file) => (known.files.get(keyOf(file.id)) ?? []).length > 0);
    const found = { files: files.map(({ name, id: file }) => ({ name, id: file })), folders };
    known.folders.set(keyOf(id), found);
    return found;
  }

  /** Reads the files without a result. */
  async function readAll(files: readonly { name: string; id: string }[]): Promise<void> {
    const unread = files.filter(({ id }) => known.files.get(keyOf(id)) === undefined);
    let index = 0;
    const ids = unread.map(({ id }) => id);
    await repository.stream(ids, async (object) => {
      const { name = '' } = unread[index++] ?? {};
      left.bytes -= object.size;
      if (left.bytes < 0) throw tooMuch(`more than ${limits.maxBytes} bytes of YAML`);
      known.files.set(keyOf(object.id), await readMarked(object, name, limits.maxFileBytes));
      signal.throwIfAborted();
    });
  }

  const files: MarkedFile[] = [];
  /** The result for a file may have been dropped since; then the file is read again. */
  async function list({ files: here, folders }: Folder, prefix: string): Promise<void> {
    for (const { name, id } of here) {
      const path = `${prefix}${name}`;
      if (files.length >= MAX_MARKED_FILES) {
        throw tooMuch(`more than ${MAX_MARKED_FILES} files with markers`);
      }
      if (known.files.get(keyOf(id)) === undefined) await readAll([{ name: path, id }]);
      files.push({ path, id, marked: known.files.get(keyOf(id)) ?? [] });
    }
    for (const { name, folder } of folders) await list(folder, `${prefix}${name}/`);
  }
  const name = resolved.path.slice(resolved.path.lastIndexOf('/') + 1);
  if (resolved.isFolder) await list(await search(resolved.id, 0), '');
  else if (isYaml(name)) await list({ files: [{ name, id: resolved.id }], folders: [] }, '');
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

const FOLDER = 0o40000;

function isRegular(mode: number): boolean {
  return mode >> 12 === 0o10;
}

function isYaml(name: string): boolean {
  return name.endsWith('.yaml') || name.endsWith('.yml') || name === 'Kustomization';
}

/** A file without a marker may have any size: it is searched as a stream. */
async function readMarked(
  { size, content }: GitObject,
  name: string,
  maxBytes: number,
): Promise<readonly MarkedValue[]> {
  const kept: Buffer[] = [];
  let tail: Buffer = Buffer.alloc(0);
  let hasToken = false;
  for await (const chunk of content) {
    if (size <= maxBytes) kept.push(chunk);
    const joined = Buffer.concat([tail, chunk]);
    hasToken ||= joined.includes(TOKEN);
    tail = joined.subarray(Math.max(0, joined.length - TOKEN.length + 1));
  }
  if (!hasToken) return NONE;
  if (size > maxBytes) {
    throw tooMuch(
      `the file '${name}' of ${size} bytes with markers, of which one may have ${maxBytes}: split it`,
    );
  }
  const marked = findMarkedValues(Buffer.concat(kept));
  // Parsing YAML takes long, so other work runs between two files.
  await new Promise(setImmediate);
  return marked.length === 0 ? NONE : marked;
}

const NONE: readonly MarkedValue[] = [];

function tooMuch(what: string): GitError {
  return new GitError(
    'LimitExceeded',
    `the repository holds ${what} (spec.update.path narrows it)`,
  );
}
