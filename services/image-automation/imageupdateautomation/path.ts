// Finds the folder or file that spec.update.path names in a tree.
import { Reason } from '@weir/api';
import type { Repository } from '@weir/git';
import { Failure } from '@weir/reconcile';

export interface ResolvedPath {
  /** The path from the root, without links; empty for the root itself. */
  path: string;
  id: string;
  isFolder: boolean;
}

const FOLDER = 0o40000;
const LINK = 0o120000;
const MAX_LINKS = 20;
const MAX_TARGET_BYTES = 4096;

/**
 * Follows a path from the root. As in Flux links are followed, and neither they nor `..` lead out of the tree.
 * @throws Failure UpdateFailed if it doesn't exist
 */
export async function resolvePath(
  repository: Pick<Repository, 'tree' | 'file'>,
  root: string,
  path: string,
): Promise<ResolvedPath> {
  const missing = () =>
    new Failure(
      Reason.UpdateFailed,
      `failed to apply policies: walking path for files: lstat ${path}: no such file or directory`,
    );
  let rest = partsOf(path);
  let links = 0;
  const at: ResolvedPath[] = [{ path: '', id: root, isFolder: true }];
  const here = () => at.at(-1) ?? { path: '', id: root, isFolder: true };
  while (rest.length > 0) {
    const [part = '', ...others] = rest;
    rest = others;
    if (part === '..') {
      if (at.length > 1) at.pop();
      continue;
    }
    const { path: parent, id, isFolder } = here();
    const entry = isFolder
      ? (await repository.tree(id)).find(({ name }) => name === part)
      : undefined;
    if (entry === undefined) throw missing();
    if (entry.mode !== LINK) {
      const own = parent === '' ? part : `${parent}/${part}`;
      at.push({ path: own, id: entry.id, isFolder: entry.mode === FOLDER });
      continue;
    }
    if (++links > MAX_LINKS) throw missing();
    const target = await repository.file(entry.id, MAX_TARGET_BYTES, `the link '${part}'`);
    const to = target.toString('utf8');
    if (to.startsWith('/')) at.length = 1;
    rest = [...partsOf(to), ...rest];
  }
  return here();
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}
