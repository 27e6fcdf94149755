import { createHash } from 'node:crypto';

/**
 * Everything that a build read in its artifact, and what it found. Paths are relative to the artifact's root (itself
 * `''`), digests are `sha256:<hex>`.
 */
export interface Trace {
  /** Files that were read, with the digest of their content. */
  files: Record<string, string>;
  /** Folders that were listed, with the digest of the listing ({@link listingDigest}). */
  dirs: Record<string, string>;
  /** Paths of which only existence or type was checked. */
  kinds: Record<string, PathKind>;
}

export type PathKind = 'file' | 'dir' | 'none';

/** An artifact's files: path to `sha256:<hex>` of the content. */
export type FileIndex = Readonly<Record<string, string>>;

/** A file index prepared for many traces: its folders are computed once. */
export interface PathIndex {
  files: ReadonlyMap<string, string>;
  /** The entries' names of each folder; true for those that are folders. */
  dirs: ReadonlyMap<string, ReadonlyMap<string, boolean>>;
}

/** A look-up of a build that would now have another result. */
export interface TraceDifference {
  path: string;
  looked: 'read' | 'listed' | 'exists';
}

/** Prepares a file index for {@link traceHolds}, which saves time when more than one trace is checked. */
export function indexPaths(fileIndex: FileIndex): PathIndex {
  const files = new Map(Object.entries(fileIndex));
  const dirs = new Map<string, Map<string, boolean>>([['', new Map()]]);
  for (const path of files.keys()) addToFolders(dirs, path);
  return { files, dirs };
}

function addToFolders(dirs: Map<string, Map<string, boolean>>, path: string): void {
  let child = path;
  let isDir = false;
  while (child !== '') {
    const slash = child.lastIndexOf('/');
    const folder = slash < 0 ? '' : child.slice(0, slash);
    const name = child.slice(slash + 1);
    const entries = dirs.get(folder);
    if (entries) {
      entries.set(name, isDir);
      return; // a known folder is known to those above it
    }
    dirs.set(folder, new Map([[name, isDir]]));
    child = folder;
    isDir = true;
  }
}

/**
 * The digest of a folder's listing, `sha256:<hex>`: of its entries' names in the order of their
 * UTF-8 bytes, each followed by `/` if it is a folder, and by a zero byte. The engine computes the
 * same (engine/tree.go).
 */
export function listingDigest(entries: ReadonlyMap<string, boolean>): string {
  const names = [...entries.keys()].map((name) => Buffer.from(name, 'utf8'));
  const hash = createHash('sha256');
  for (const name of names.sort(Buffer.compare)) {
    hash.update(name);
    hash.update(entries.get(name.toString('utf8')) ? '/\0' : '\0');
  }
  return `sha256:${hash.digest('hex')}`;
}

/**
 * Whether every look-up of a build would have the same result in the artifact of this file index. Then the build's
 * result is the same too, and it need not run.
 */
export function traceHolds(trace: Trace, fileIndex: FileIndex | PathIndex): boolean {
  return traceDifference(trace, fileIndex) === undefined;
}

/** The first look-up that would have another result, or undefined when the trace holds. */
export function traceDifference(
  trace: Trace,
  fileIndex: FileIndex | PathIndex,
): TraceDifference | undefined {
  const index = isIndex(fileIndex) ? fileIndex : indexPaths(fileIndex);
  for (const [path, digest] of Object.entries(trace.files)) {
    if (index.files.get(path) !== digest) return { path, looked: 'read' };
  }
  for (const [path, kind] of Object.entries(trace.kinds)) {
    if (kindOf(index, path) !== kind) return { path, looked: 'exists' };
  }
  for (const [path, digest] of Object.entries(trace.dirs)) {
    const entries = index.dirs.get(path);
    if (!entries || listingDigest(entries) !== digest) return { path, looked: 'listed' };
  }
  return undefined;
}

function isIndex(fileIndex: FileIndex | PathIndex): fileIndex is PathIndex {
  return fileIndex.files instanceof Map;
}

function kindOf(index: PathIndex, path: string): PathKind {
  if (index.files.has(path)) return 'file';
  return index.dirs.has(path) ? 'dir' : 'none';
}
