// Where the files of a commit and of included artifacts go in one artifact.
import { Reason, STORAGE_OPERATION_FAILED } from '@weir/api';
import type { TreeEntry } from '@weir/git';
import { Failure } from '@weir/reconcile';
import type { Included } from './contents.ts';

/** A file of the artifact, and where its content is. */
export type Placed = { path: string } & (
  | { entry: TreeEntry }
  | { /** Its place in the list of included artifacts. */ include: number; from: string }
);

/** An included artifact with the paths of its files. */
export interface Listed {
  included: Included;
  paths: readonly string[];
}

/**
 * Puts included files beside those of the commit. As in Flux a folder isn't copied to where something is, and a single
 * file takes the place of another one. Paths can't lead out of either artifact.
 * @throws Failure CopyFailure
 */
export function layOut(entries: readonly TreeEntry[], includes: readonly Listed[]): Placed[] {
  const files = new Map<string, Placed>();
  const folders = new Set<string>();
  function add(file: Placed): void {
    files.set(file.path, file);
    for (let end = file.path.lastIndexOf('/'); end > 0; end = file.path.lastIndexOf('/', end - 1)) {
      const folder = file.path.slice(0, end);
      if (folders.has(folder)) return;
      folders.add(folder);
    }
  }
  for (const entry of entries) add({ path: entry.path, entry });

  for (const [include, { included, paths }] of includes.entries()) {
    const [from, to] = [cleanPath(included.fromPath), cleanPath(included.toPath)];
    const fail = (why: string): never => {
      const where = `from ${included.fromPath} to ${included.toPath}`;
      const message = `failed to copy '${included.name}' include ${where}: ${why}`;
      throw new Failure(Reason.CopyFailure, message, { condition: STORAGE_OPERATION_FAILED });
    };
    const isFile = paths.includes(from);
    const below = from === '' ? paths : paths.filter((path) => path.startsWith(`${from}/`));
    if (!isFile && below.length === 0)
      fail(`'${included.fromPath}' is not in the included artifact`);
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
  return [...files.values()];
}

/** A path below a root, which '..' doesn't leave (securejoin, as in Flux). */
function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/**
 * The files below the folders of spec.sparseCheckout. As in Flux (go-git, SkipUnless) a folder stands for every path that
 * begins with it, and has to be there.
 * @returns undefined, and the folder, when one is not there
 */
export function sparse<T extends { path: string }>(
  entries: readonly T[],
  folders: readonly string[] | undefined,
): { kept: readonly T[]; missing?: string } {
  if (folders === undefined) return { kept: entries };
  const prefixes = folders.map((folder) => folder.replace(/^\.\//, ''));
  const kept = entries.filter(({ path }) => prefixes.some((prefix) => path.startsWith(prefix)));
  const missing = folders.find((folder) => {
    const wanted = cleanPath(folder);
    return !kept.some(
      ({ path }) => wanted === '' || path === wanted || path.startsWith(`${wanted}/`),
    );
  });
  return missing === undefined ? { kept } : { kept, missing };
}
