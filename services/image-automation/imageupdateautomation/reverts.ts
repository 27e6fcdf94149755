// Rollbacks that stay rolled back: finds the policies whose choices somebody has reverted (spec.git.respectReverts).
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Commit, Repository } from '@weir/git';
import { findMarkedFiles, type SearchOptions } from './folders.ts';
import { resolvePath } from './path.ts';
import type { SetterValues } from './setters/marker.ts';

/** Commits of the branch that are searched, along first parents. */
export const HISTORY = 100;

/** The sentence that `git revert` and the forges write. */
const REVERTS = /^This reverts commit ([0-9a-f]{40})\b/gm;

export interface RevertOptions {
  dir: string;
  search: SearchOptions;
  /** `spec.update.path`. */
  path: string | undefined;
  /** The author's address of the automation's commits. */
  email: string;
  values: SetterValues;
}

/**
 * The names of policies whose present choice was set by a commit of the automation that somebody has reverted. A revert
 * that was itself reverted is ignored.
 * @param head the commit whose history is searched, as far as it was fetched
 */
export async function revertedPolicies(
  repository: Repository,
  head: string,
  { dir, search, path, email, values }: RevertOptions,
): Promise<Set<string>> {
  const history = await readHistory(repository, head, dir);
  const undone = new Set<string>();
  for (const { id, message } of history) {
    if (undone.has(id)) continue;
    for (const [, reverted = ''] of message.matchAll(REVERTS)) undone.add(reverted);
  }
  const policies = new Set<string>();
  for (const { id, author, tree, parents } of history) {
    if (!undone.has(id) || author.email !== email || parents[0] === undefined) continue;
    const parent = history.find((it) => it.id === parents[0]);
    if (parent === undefined) continue;
    for (const [setter, value] of await valuesSet(repository, parent.tree, tree, path, search)) {
      if (values(setter, '') === value) policies.add(setter.split(':')[1] ?? '');
    }
  }
  return policies;
}

/** The commits along first parents, the newest first, that are in the mirror. */
async function readHistory(repository: Repository, head: string, dir: string): Promise<Commit[]> {
  const shallow = await readFile(join(dir, 'shallow'), 'utf8').catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      return '';
    },
  );
  const last = new Set(shallow.split('\n'));
  const history: Commit[] = [];
  for (let id: string | undefined = head; id !== undefined && history.length < HISTORY; ) {
    const commit: Commit = await repository.commit(id);
    history.push(commit);
    id = last.has(commit.id) ? undefined : commit.parents[0];
  }
  return history;
}

/** The marked values of a tree that differ from those of its parent. */
async function valuesSet(
  repository: Repository,
  before: string,
  after: string,
  path: string | undefined,
  search: SearchOptions,
): Promise<[setter: string, value: string][]> {
  const list = async (tree: string) => {
    const resolved = await resolvePath(repository, tree, path ?? '').catch(() => undefined);
    return resolved === undefined ? [] : findMarkedFiles(repository, resolved, search);
  };
  const old = new Map((await list(before)).map((file) => [file.path, file] as const));
  return (await list(after)).flatMap(({ path: name, id, marked }) => {
    const was = old.get(name);
    if (was?.id === id) return [];
    return marked
      .filter(({ setter, value }, index) => {
        const one = was?.marked[index];
        return one?.setter !== setter || one.value !== value;
      })
      .map(({ setter, value }): [string, string] => [setter, value]);
  });
}
