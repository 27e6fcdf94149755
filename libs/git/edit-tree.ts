// Replaces files in a tree: each folder on the path to one becomes a new object, all others stay the same.
import { GitError } from './errors.ts';
import type { Repository } from './object-cache.ts';
import { folderMode } from './tree-object.ts';

/**
 * Replaces files that are there, and keeps their modes.
 * @param files ids of the new contents, by paths from the root
 * @returns the id of the new root
 * @throws GitError ReferenceNotFound for a path that isn't there
 */
export async function replaceFiles(
  repository: Pick<Repository, 'tree' | 'rawTree' | 'write'>,
  root: string,
  files: ReadonlyMap<string, string>,
): Promise<string> {
  if (files.size === 0) return root;
  const here = new Map<string, string>();
  const below = new Map<string, Map<string, string>>();
  for (const [path, id] of files) {
    const slash = path.indexOf('/');
    if (slash < 0) here.set(path, id);
    else {
      const folder = path.slice(0, slash);
      const inFolder = below.get(folder) ?? new Map<string, string>();
      below.set(folder, inFolder.set(path.slice(slash + 1), id));
    }
  }
  const content = Buffer.from(await repository.rawTree(root));
  let at = 0;
  for (const { mode, name, nameBytes, id } of await repository.tree(root)) {
    const start = content.indexOf(0, at) + 1;
    at = start + id.length / 2;
    const inFolder = mode === folderMode ? below.get(name) : undefined;
    const replaced =
      inFolder === undefined
        ? mode === folderMode
          ? undefined
          : here.get(name)
        : await replaceFiles(repository, id, inFolder);
    if (replaced === undefined || nameBytes === 0) continue;
    content.write(replaced, start, 'hex');
    here.delete(name);
    below.delete(name);
  }
  const missing = [...here.keys(), ...below.keys()][0];
  if (missing === undefined) return repository.write('tree', content);
  throw new GitError('ReferenceNotFound', `the folder '${root}' has no '${missing}'`);
}
