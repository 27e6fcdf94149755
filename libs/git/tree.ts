import { checkCommitId } from './arguments.ts';
import { GitError } from './errors.ts';
import { leaveOut, type ReadOptions, readObjects, streamGit } from './objects.ts';

export interface TreeEntry {
  /** Path from the repository's root, with '/'. */
  path: string;
  /** 0o644, or 0o755 for an executable file. */
  mode: number;
  /** Object id of the content. */
  id: string;
  /** Bytes. */
  size: number;
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

/**
 * Lists the regular files of a commit. Submodules and symbolic links are left out, as in Flux's artifacts.
 * @throws GitError LimitExceeded; GitOperationFailed for a path that would leave the tree
 */
export async function listTree(
  options: ReadOptions & { commit: string; maxFiles?: number },
): Promise<TreeEntry[]> {
  const maxFiles = options.maxFiles ?? defaultTreeLimits.maxFiles;
  const commit = checkCommitId(options.commit);
  const doing = `unable to list the files of commit '${commit}'`;
  const entries: TreeEntry[] = [];
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of streamGit(doing, ['ls-tree', '-r', '-z', '-l', commit], options)) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0, start)) {
      const entry = parseEntry(rest.toString('utf8', start, end));
      if (entry) entries.push(entry);
      start = end + 1;
    }
    rest = rest.subarray(start);
    if (entries.length > maxFiles) {
      throw new GitError('LimitExceeded', `${doing}: there are more than ${maxFiles}`);
    }
  }
  return entries;
}

/** Parses `<mode> <type> <id> <size>\t<path>`; undefined for what isn't a regular file. */
function parseEntry(line: string): TreeEntry | undefined {
  const match = /^(\d+) (\w+) ([0-9a-f]+) +(\d+|-)\t(.+)$/s.exec(line);
  if (!match) throw new GitError('GitOperationFailed', 'unable to read the list of files');
  const [, mode = '', , id = '', size = '', path = ''] = match;
  if (!mode.startsWith('100')) return undefined;
  if (path.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    throw new GitError('GitOperationFailed', `the tree holds an unsafe path '${path}'`);
  }
  const executable = (Number.parseInt(mode, 8) & 0o111) !== 0;
  return { path, id, size: Number(size), mode: executable ? 0o755 : 0o644 };
}

/**
 * Reads the content of files that listTree() named, one after the other.
 * @throws GitError LimitExceeded before anything is read, when they are too large together
 */
export async function* readFiles(
  entries: readonly TreeEntry[],
  options: ReadOptions & { maxBytes?: number },
): AsyncGenerator<TreeFile> {
  const maxBytes = options.maxBytes ?? defaultTreeLimits.maxBytes;
  const total = entries.reduce((sum, entry) => sum + entry.size, 0);
  if (total > maxBytes) {
    throw new GitError(
      'LimitExceeded',
      `the repository's files hold ${total} bytes, more than the ${maxBytes} allowed: ${leaveOut}`,
    );
  }
  const ids = entries.map((entry) => entry.id);
  let index = 0;
  for await (const { content } of readObjects(ids, { ...options, maxBytes })) {
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
  const { keep = () => true, limits = {} } = options;
  const entries = await listTree({ ...options, ...limits });
  yield* readFiles(
    entries.filter((entry) => keep(entry.path)),
    { ...options, ...limits },
  );
}
