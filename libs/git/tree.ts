import { checkCommitId } from './arguments.ts';
import { GitError } from './errors.ts';
import type { GitObject, ObjectReader } from './objects.ts';
import { folderMode, isRegularFile, submoduleMode, treeEntries } from './tree-object.ts';

export interface TreeEntry {
  /** Path from the repository's root, with '/'. */
  path: string;
  /** 0o644, or 0o755 for an executable file. */
  mode: number;
  /** Object id of the content. */
  id: string;
}

export interface TreeFile extends TreeEntry {
  /** Bytes. */
  size: number;
  /** The content as a stream, to be read before the next file; the rest of it is skipped then. */
  content: AsyncIterable<Buffer>;
}

export interface TreeLimits {
  maxFiles: number;
  /** Bytes of all files that are read together. */
  maxBytes: number;
}

/** The limits unless others are given: 100,000 files with 512 MiB. */
export const defaultTreeLimits: TreeLimits = { maxFiles: 100_000, maxBytes: 512 * 1024 * 1024 };

/** The most that a commit's folders may hold, in bytes; an entry takes about 40. */
const MAX_TREE_BYTES = 64 * 1024 * 1024;
/** As in Linux (PATH_MAX), in bytes. */
const MAX_PATH_BYTES = 4096;
/** All paths together, in bytes: 160 for each of 100,000 files. They are in memory at the same time. */
export const MAX_PATHS_BYTES = 16 * 1024 * 1024;

/**
 * Lists the regular files of a commit, folder by folder. Submodules and symbolic links are left out, as in Flux's
 * artifacts. Everything is counted while it is read: a commit that goes over a limit is refused before it takes memory.
 * @param submodules gets the commits of submodules, by their paths
 * @throws GitError LimitExceeded for too many files, folders or links, names above 255 bytes and paths above 4096;
 *   GitOperationFailed for a path that would leave the tree
 */
export async function listTree(
  objects: ObjectReader,
  commit: string,
  maxFiles = defaultTreeLimits.maxFiles,
  submodules?: Map<string, string>,
): Promise<TreeEntry[]> {
  const files: TreeEntry[] = [];
  const count = createCounter(commit, maxFiles);
  let folders = [{ path: '', bytes: 0, id: await treeOf(objects, commit) }];
  let left = MAX_TREE_BYTES;
  while (folders.length > 0) {
    const level = folders;
    folders = [];
    let index = 0;
    const ids = level.map(({ id }) => id);
    for await (const tree of objects.read(ids, left)) {
      left -= tree.size;
      const base = level[index++] ?? { path: '', bytes: 0 };
      for await (const { name, nameBytes, mode, id } of entriesOf(tree, commit)) {
        const bytes = base.bytes === 0 ? nameBytes : base.bytes + 1 + nameBytes;
        const path = base.bytes === 0 ? name : `${base.path}/${name}`;
        const isFile = isRegularFile(mode);
        count(isFile, bytes, base.path);
        if (mode === folderMode) folders.push({ path, bytes, id });
        else if (isFile) files.push({ path, id, mode: simpleMode(mode) });
        else if (mode === submoduleMode) submodules?.set(path, id);
      }
    }
  }
  return files;
}

/**
 * Counts entries of all types, because a tree can contain the same subtree again and again at no cost for its author.
 */
function createCounter(commit: string, maxFiles: number) {
  let files = 0;
  let others = 0;
  let pathBytes = 0;
  const fail = (what: string) => {
    throw new GitError('LimitExceeded', `commit '${commit}' holds ${what}`);
  };
  return (isFile: boolean, bytes: number, folder: string): void => {
    if (isFile) files += 1;
    else others += 1;
    pathBytes += bytes;
    if (files > maxFiles) fail(`more than ${maxFiles} files: split the repository`);
    if (others > maxFiles) fail(`more than ${maxFiles} folders and links: split the repository`);
    if (bytes > MAX_PATH_BYTES) {
      const where = `below '${folder.slice(0, 100)}...'`;
      fail(`a path of more than ${MAX_PATH_BYTES} bytes ${where}: shorten it`);
    }
    if (pathBytes > MAX_PATHS_BYTES) {
      fail(`paths of more than ${MAX_PATHS_BYTES} bytes together: split the repository`);
    }
  };
}

function entriesOf(tree: GitObject, commit: string) {
  if (tree.type !== 'tree') {
    throw new GitError('GitOperationFailed', `commit '${commit}' has a folder that is none`);
  }
  return treeEntries(tree.content, commit.length / 2);
}

async function treeOf(objects: ObjectReader, commit: string): Promise<string> {
  const wanted = [`${checkCommitId(commit)}^{tree}`];
  let tree: string | undefined;
  for await (const { id, type } of objects.read(wanted, MAX_TREE_BYTES))
    if (type === 'tree') tree = id;
  if (tree !== undefined) return tree;
  throw new GitError('GitOperationFailed', `commit '${commit}' has no tree`);
}

function simpleMode(mode: number): number {
  return (mode & 0o111) === 0 ? 0o644 : 0o755;
}

/**
 * Reads the content of files that listTree() named, one after the other, in their order.
 * @throws GitError LimitExceeded when they are too large together
 */
export async function* readFiles(
  objects: ObjectReader,
  entries: readonly TreeEntry[],
  maxBytes = defaultTreeLimits.maxBytes,
): AsyncGenerator<TreeFile> {
  let index = 0;
  for await (const { size, content } of objects.read(idsOf(entries), maxBytes)) {
    const entry = entries[index++];
    if (entry) yield { ...entry, size, content };
  }
}

function* idsOf(entries: readonly TreeEntry[]): Generator<string> {
  for (const { id } of entries) yield id;
}
