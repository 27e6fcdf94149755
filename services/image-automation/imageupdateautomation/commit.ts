// Makes the commit of a change, without a work tree.
import { commitContent, type Repository, withRepository, withSignature } from '@weir/git';
import { type ChangedTree, changeTree } from './change.ts';
import type { SyncEnvironment } from './environment.ts';
import { commitMessage } from './message.ts';
import type { Mirror } from './mirror.ts';
import { checkoutFailure, pushFailure, updateFailure } from './remote.ts';
import { HISTORY, revertedPolicies } from './reverts.ts';
import { type ImageRef, type SetterValues, setterValues } from './setters/marker.ts';
import { conversationOf, type SyncInputs } from './sync-inputs.ts';

/** Opens the mirror for reading and writing objects. */
export function withMirror<T>(
  { dir, scope }: Mirror,
  { target, signal }: Pick<SyncInputs, 'target' | 'signal'>,
  { cache, gitLimits }: SyncEnvironment,
  use: (repository: Repository) => Promise<T>,
): Promise<T> {
  const { timeoutMs } = target;
  return withRepository({ dir, scope, cache, timeoutMs, signal, limits: gitLimits }, use);
}

/** @returns undefined when there is nothing to change */
export async function change(
  repository: Repository,
  commitId: string,
  { scope }: Mirror,
  { object, values, signal }: Pick<SyncInputs, 'object' | 'signal'> & { values: SetterValues },
  { marked, searchLimits }: SyncEnvironment,
): Promise<ChangedTree | undefined> {
  try {
    return await changeTree(repository, (await repository.commit(commitId)).tree, {
      ...{ known: marked, scope, limits: searchLimits, signal, values },
      path: object.spec.update?.path,
    });
  } catch (cause) {
    throw updateFailure(cause);
  }
}

export async function commit(
  repository: Repository,
  parent: string,
  { tree, files }: ChangedTree,
  { object, sign, signal }: SyncInputs,
  { pool }: SyncEnvironment,
): Promise<{ commit: string; message: string; when: Date }> {
  const message = await commitMessage(object, files, { pool, signal });
  const when = new Date();
  const { name = '', email = '' } = object.spec.git?.commit.author ?? {};
  try {
    const content = commitContent({
      tree,
      parents: [parent],
      author: { name, email },
      when,
      message,
    });
    const whole = sign === undefined ? content : withSignature(content, await sign(content));
    return { commit: await repository.write('commit', whole), message, when };
  } catch (cause) {
    throw pushFailure(cause);
  }
}

/**
 * The choices of the policies, without reverted ones if `respectReverts` is set.
 * @param commitId the commit whose history is searched
 */
export async function respectedImages(
  mirror: Mirror,
  commitId: string,
  inputs: SyncInputs,
  environment: SyncEnvironment,
): Promise<ReadonlyMap<string, ImageRef>> {
  const { object, chosen, signal } = inputs;
  const { git, update } = object.spec;
  if (!git?.respectReverts) return chosen;
  const { marked: known, searchLimits: limits } = environment;
  const { transfer } = conversationOf(inputs, environment);
  try {
    await mirror.fetch({ ...transfer, commit: commitId, depth: HISTORY });
  } catch (cause) {
    throw checkoutFailure(cause);
  }
  const reverted = await withMirror(mirror, inputs, environment, (repository) =>
    revertedPolicies(repository, commitId, {
      ...{ dir: mirror.dir, path: update?.path, email: git.commit.author.email },
      values: valuesOf(inputs, chosen),
      search: { known, scope: mirror.scope, limits, signal },
    }),
  );
  return new Map([...chosen].filter(([name]) => !reverted.has(name)));
}

export function valuesOf(
  { object }: Pick<SyncInputs, 'object'>,
  chosen: ReadonlyMap<string, ImageRef>,
): SetterValues {
  return setterValues(object.metadata.namespace ?? '', chosen);
}

/** A commit of this automation that no status records: it is the one that the policies make of its parent. */
export async function unreportedCommit(
  mirror: Mirror,
  commitId: string,
  chosen: ReadonlyMap<string, ImageRef>,
  inputs: SyncInputs,
  environment: SyncEnvironment,
): Promise<{ commit: string; message: string; when: Date } | undefined> {
  const { object, mayHavePushed } = inputs;
  if (!mayHavePushed || object.status?.lastPushCommit === commitId) return undefined;
  const open = <T>(use: (repository: Repository) => Promise<T>) =>
    withMirror(mirror, inputs, environment, use);
  const found = await open((it) => it.commit(commitId));
  const { author, committer, parents, message, tree } = found;
  const { name = '', email } = object.spec.git?.commit.author ?? {};
  const isOurs = [author, committer].every((it) => it.name === name && it.email === email);
  if (!isOurs || parents.length !== 1 || parents[0] === undefined) return undefined;
  const [parent] = parents;
  const { transfer } = conversationOf(inputs, environment);
  try {
    await mirror.fetch({ ...transfer, commit: parent });
  } catch (cause) {
    throw checkoutFailure(cause);
  }
  const values = valuesOf(inputs, chosen);
  const made = await open((it) => change(it, parent, mirror, { ...inputs, values }, environment));
  return made?.tree === tree ? { commit: commitId, message, when: committer.when } : undefined;
}
