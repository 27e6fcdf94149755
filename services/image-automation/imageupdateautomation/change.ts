// Applies the choices of the policies to a commit's tree, and returns the new tree and the changes for the message.
import { type Repository, replaceFiles } from '@weir/git';
import type { TemplateChange } from '@weir/render';
import { findMarkedFiles, type SearchOptions } from './folders.ts';
import { type ResolvedPath, resolvePath } from './path.ts';
import { type Change, changesOf, withValues } from './setters/edit.ts';
import type { SetterValues } from './setters/marker.ts';

export interface ChangedFile {
  /** Relative to `spec.update.path`, as in Flux. */
  path: string;
  changes: readonly TemplateChange[];
}

export interface ChangedTree {
  /** Id of the whole repository's tree. */
  tree: string;
  files: readonly ChangedFile[];
  /** Ids of the new contents, by paths from the root. */
  contents: ReadonlyMap<string, string>;
}

export interface ChangeOptions extends SearchOptions {
  /** `spec.update.path`. */
  path: string | undefined;
  values: SetterValues;
}

/**
 * Sets marked values to the choices of the policies.
 * @param tree of the commit to change
 * @returns undefined when nothing changes
 * @throws Failure UpdateFailed; GitError LimitExceeded
 */
export async function changeTree(
  repository: Repository,
  tree: string,
  { path, values, ...search }: ChangeOptions,
): Promise<ChangedTree | undefined> {
  const resolved = await resolvePath(repository, tree, path ?? '');
  const found = await findMarkedFiles(repository, resolved, search);
  const files: ChangedFile[] = [];
  const contents = new Map<string, string>();
  for (const file of found) {
    const changes: Change[] = changesOf(file.marked, values);
    if (changes.length === 0) continue;
    const content = await repository.file(file.id, search.limits.maxFileBytes, `'${file.path}'`);
    const changed = withValues(content, file.marked, values);
    contents.set(inTree(resolved, file.path), await repository.write('blob', changed));
    files.push({ path: file.path, changes });
  }
  if (files.length === 0) return undefined;
  return { tree: await replaceFiles(repository, tree, contents), files, contents };
}

function inTree({ path, isFolder }: ResolvedPath, file: string): string {
  if (!isFolder) return path;
  return path === '' ? file : `${path}/${file}`;
}
