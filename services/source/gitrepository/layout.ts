// Decides where the files of a commit and of included artifacts go in the artifact.
import { Reason, STORAGE_OPERATION_FAILED } from '@weir/api';
import { ArtifactError } from '@weir/artifact';
import type { TreeEntry } from '@weir/git';
import { Failure } from '@weir/reconcile';
import type { Included } from './contents.ts';

/** A content of Git LFS that was fetched. */
export interface LfsFile {
  file: string;
  /** Bytes. */
  size: number;
}

/** A file of the artifact, with the place of its content. */
export type Placed = { path: string } & (
  | {
      entry: TreeEntry /** The file that has the content which the entry only points to. */;
      lfs?: LfsFile;
    }
  | { /** Its place in the list of included artifacts. */ include: number; from: string }
);

/** An included artifact with the paths of its files. */
export interface Listed {
  included: Included;
  paths: readonly string[];
}

export interface LayoutLimits {
  /** Files, and as many folders. */
  maxFiles: number;
}

/** The limit in Linux (PATH_MAX), and the limit for all paths of a repository. Bytes. */
const MAX_PATH_BYTES = 4096;
const MAX_PATHS_BYTES = 16 * 1024 * 1024;

/**
 * The files and folders of an artifact that is being laid out. They are counted, because any number of inclusions may
 * name the same artifact.
 */
interface Layout {
  files: Map<string, Placed>;
  folders: Set<string>;
  add(file: Placed): void;
}

function createLayout({ maxFiles }: LayoutLimits): Layout {
  const files = new Map<string, Placed>();
  const folders = new Set<string>();
  let bytes = 0;
  const fail = (what: string): never => {
    const message = `the artifact holds ${what}: include less, or leave files out`;
    throw new ArtifactError('ArtifactTooLarge', message);
  };
  return {
    files,
    folders,
    add(file) {
      const { path } = file;
      const size = Buffer.byteLength(path);
      bytes += size;
      if (size > MAX_PATH_BYTES) fail(`a path of more than ${MAX_PATH_BYTES} bytes`);
      if (bytes > MAX_PATHS_BYTES) fail(`paths of more than ${MAX_PATHS_BYTES} bytes together`);
      files.set(path, file);
      if (files.size > maxFiles) fail(`more than ${maxFiles} files (--artifact-max-files)`);
      for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
        const folder = path.slice(0, end);
        if (folders.has(folder)) return;
        folders.add(folder);
      }
      if (folders.size > maxFiles) fail(`more than ${maxFiles} folders`);
    },
  };
}

/**
 * Adds included files to those of the commit. As in Flux, a folder isn't copied to a path that exists, and a single
 * file replaces a file. Paths can't lead out of either artifact.
 * @param includes each is read, and counted, before the next one
 * @throws Failure CopyFailure; ArtifactError ArtifactTooLarge
 */
export async function layOut(
  entries: readonly TreeEntry[],
  includes: Iterable<Listed> | AsyncIterable<Listed>,
  limits: LayoutLimits,
): Promise<Placed[]> {
  const layout = createLayout(limits);
  for (const entry of entries) layout.add({ path: entry.path, entry });
  let index = 0;
  for await (const listed of includes) place(layout, listed, index++);
  return [...layout.files.values()];
}

function place(
  { files, folders, add }: Layout,
  { included, paths }: Listed,
  include: number,
): void {
  const [from, to] = [cleanPath(included.fromPath), cleanPath(included.toPath)];
  const fail = (why: string): never => {
    const where = `from ${included.fromPath} to ${included.toPath}`;
    const message = `failed to copy '${included.name}' include ${where}: ${why}`;
    throw new Failure(Reason.CopyFailure, message, { condition: STORAGE_OPERATION_FAILED });
  };
  const isFile = paths.includes(from);
  const below = from === '' ? paths : paths.filter((path) => path.startsWith(`${from}/`));
  if (!isFile && below.length === 0) fail(`'${included.fromPath}' is not in the included artifact`);
  const isTaken = folders.has(to) || (to === '' && files.size > 0) || (!isFile && files.has(to));
  if (isTaken || (isFile && to === '')) fail(`'${included.toPath}' exists already`);
  for (let end = to.lastIndexOf('/'); end > 0; end = to.lastIndexOf('/', end - 1)) {
    if (files.has(to.slice(0, end))) fail(`'${to.slice(0, end)}' is a file`);
  }
  if (isFile) add({ path: to, include, from });
  for (const path of isFile ? [] : below) {
    const rest = from === '' ? path : path.slice(from.length + 1);
    add({ path: to === '' ? rest : `${to}/${rest}`, include, from: path });
  }
}

/** A path below a root that '..' can't leave (securejoin, as in Flux). */
function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/**
 * The files below the folders of spec.sparseCheckout. As in Flux (go-git, SkipUnless) a folder means every path that
 * begins with its name, and has to exist.
 * @returns undefined, and the folder, when one does not exist
 */
export function sparse<T extends { path: string }>(
  entries: readonly T[],
  folders: readonly string[] | undefined,
): { kept: readonly T[]; missing?: string } {
  if (folders === undefined || folders.length === 0) return { kept: entries };
  const starts = createStarts(folders.map((folder) => folder.replace(/^\.\//, '')));
  const kept = entries.filter(({ path }) => starts(path));
  const known = kept.map(({ path }) => path).sort();
  const missing = folders.find((folder) => {
    const wanted = cleanPath(folder);
    if (wanted === '') return known.length === 0;
    const next = (text: string) => known[firstFrom(known, text)];
    return next(wanted) !== wanted && !next(`${wanted}/`)?.startsWith(`${wanted}/`);
  });
  return missing === undefined ? { kept } : { kept, missing };
}

/** Makes a check whether a text begins with one of many prefixes, which doesn't compare it with each of them. */
function createStarts(prefixes: readonly string[]): (text: string) => boolean {
  const shortest: string[] = [];
  for (const prefix of prefixes.toSorted()) {
    const last = shortest.at(-1);
    // In sorted order, a text that begins with another one follows it.
    if (last === undefined || !prefix.startsWith(last)) shortest.push(prefix);
  }
  return (text) => {
    const after = firstFrom(shortest, text);
    return (
      shortest[after] === text ||
      (shortest[after - 1] !== undefined && text.startsWith(shortest[after - 1] ?? text))
    );
  };
}

/** The index of the first of sorted texts that is not before a text. */
function firstFrom(sorted: readonly string[], text: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? '') < text) low = middle + 1;
    else high = middle;
  }
  return low;
}
