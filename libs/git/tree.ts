import { checkCommitId } from './arguments.ts';
import { GitError } from './errors.ts';
import { type ObjectReader, openObjects, type ReadOptions } from './objects.ts';

export interface TreeEntry {
  /** Path from the repository's root, with '/'. */
  path: string;
  /** 0o644, or 0o755 for an executable file. */
  mode: number;
  /** Object id of the content. */
  id: string;
}

export interface TreeFile extends TreeEntry {
  content: Buffer;
}

export interface TreeLimits {
  maxFiles: number;
  /** Bytes of all files that are read together. */
  maxBytes: number;
}

/** What a repository may hold when nothing else is set: 100,000 files and 512 MiB of them. */
export const defaultTreeLimits: TreeLimits = { maxFiles: 100_000, maxBytes: 512 * 1024 * 1024 };

/** The most that a commit's folders may hold, in bytes; an entry takes about 40. */
const maxTreeBytes = 64 * 1024 * 1024;

/**
 * Lists the regular files of a commit, folder by folder. Submodules and symbolic links are left out, as in Flux's
 * artifacts.
 * @throws GitError LimitExceeded; GitOperationFailed for a path that would leave the tree
 */
export async function listTree(
  objects: ObjectReader,
  commit: string,
  maxFiles = defaultTreeLimits.maxFiles,
): Promise<TreeEntry[]> {
  const files: TreeEntry[] = [];
  let folders = [{ path: '', id: await treeOf(objects, commit) }];
  while (folders.length > 0) {
    const level = folders;
    folders = [];
    let index = 0;
    const ids = level.map(({ id }) => id);
    for await (const { content } of objects.read(ids, maxTreeBytes)) {
      const base = level[index++]?.path ?? '';
      for (const { name, mode, id } of parseTree(content, commit.length / 2)) {
        const path = base === '' ? name : `${base}/${name}`;
        if (mode === folderMode) folders.push({ path, id });
        else if (mode >> 12 === regularFile) files.push({ path, id, mode: simpleMode(mode) });
      }
      if (files.length + folders.length > maxFiles) {
        const found = `commit '${commit}' holds more than ${maxFiles} files`;
        throw new GitError('LimitExceeded', `${found}: split the repository`);
      }
    }
  }
  return files;
}

async function treeOf(objects: ObjectReader, commit: string): Promise<string> {
  for await (const { id, type } of objects.read([`${checkCommitId(commit)}^{tree}`], maxTreeBytes))
    if (type === 'tree') return id;
  throw new GitError('GitOperationFailed', `commit '${commit}' has no tree`);
}

const folderMode = 0o40000;
const regularFile = 0o10;

function simpleMode(mode: number): number {
  return (mode & 0o111) === 0 ? 0o644 : 0o755;
}

/** Parses a tree object: `<octal mode> <name>\0<id in bytes>`, entry after entry. */
function* parseTree(content: Buffer, idLength: number) {
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(0x20, at);
    const end = content.indexOf(0, space);
    if (space < 0 || end < 0) throw new GitError('GitOperationFailed', 'a folder cannot be read');
    const mode = Number.parseInt(content.toString('latin1', at, space), 8);
    const name = content.toString('utf8', space + 1, end);
    if (name === '' || name === '.' || name === '..' || name.includes('/')) {
      throw new GitError('GitOperationFailed', `the tree holds an unsafe path '${name}'`);
    }
    at = end + 1 + idLength;
    yield { mode, name, id: content.toString('hex', end + 1, at) };
  }
}

/**
 * Reads the content of files that listTree() named, one after the other.
 * @throws GitError LimitExceeded when they are too large together
 */
export async function* readFiles(
  objects: ObjectReader,
  entries: readonly TreeEntry[],
  maxBytes = defaultTreeLimits.maxBytes,
): AsyncGenerator<TreeFile> {
  const ids = entries.map((entry) => entry.id);
  let index = 0;
  for await (const { content } of objects.read(ids, maxBytes)) {
    const entry = entries[index++];
    if (entry) yield { ...entry, content };
  }
}

/**
 * Reads a commit's regular files with their content.
 * @param options.keep chooses by path; all of them when it isn't given
 */
export async function* readTree(
  options: ReadOptions & {
    commit: string;
    keep?: (path: string) => boolean;
    limits?: Partial<TreeLimits>;
  },
): AsyncGenerator<TreeFile> {
  const { commit, keep = () => true, limits = {} } = options;
  const { reader, close } = openObjects(options);
  try {
    const entries = await listTree(reader, commit, limits.maxFiles);
    const kept = entries.filter((entry) => keep(entry.path));
    yield* readFiles(reader, kept, limits.maxBytes);
  } finally {
    await close();
  }
}
