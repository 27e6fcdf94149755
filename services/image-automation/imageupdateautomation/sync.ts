// Brings a branch up to date: what the remote has now, changed as the policies say, committed and pushed. A branch that moves
// meanwhile is fetched again, and the change is made anew on what is there then.
import type { ImageUpdateAutomation } from '@weir/api';
import {
  commitContent,
  formatRevision,
  GitError,
  pushCommits,
  type RemoteOptions,
  type Repository,
  readCommit,
  resolveRef,
  withObjects,
  withRepository,
  withSignature,
} from '@weir/git';
import type { RenderPool } from '@weir/render';
import type { Remote } from '@weir/sources/git';
import { type ChangedTree, changeTree } from './change.ts';
import type { SyncEnvironment } from './environment.ts';
import { commitMessage } from './message.ts';
import type { Mirror } from './mirror.ts';
import { checkoutFailure, conversation, pushFailure, updateFailure } from './remote.ts';
import type { SetterValues } from './setters/marker.ts';
import type { Sign } from './signing.ts';
import type { Target } from './target.ts';

export interface Wanted {
  object: ImageUpdateAutomation;
  remote: Remote;
  target: Target;
  values: SetterValues;
  sign: Sign | undefined;
  /** Whether the policies or something else changed, so that a revision that was seen before doesn't suffice. */
  isChanged: boolean;
  /** Whether only policies changed: then the branch is taken to be what it was, which the push finds out. */
  isQuick: boolean;
  signal: AbortSignal;
}

/** How a run ended. */
export interface Synced {
  /** The revision that was seen, or made. */
  revision: string;
  /** Nothing was looked at: neither the policies nor the remote has changed. */
  isSame?: boolean;
  pushed?: Pushed;
}

export interface Pushed {
  commit: string;
  branch: string;
  refspec: string | undefined;
  message: string;
  when: Date;
}

/** Times that a change is made anew because somebody was faster. */
const MAX_ATTEMPTS = 5;

/**
 * @throws Failure GitOperationFailed, UpdateFailed, RemovedTemplateField
 */
export async function sync(wanted: Wanted, environment: SyncEnvironment): Promise<Synced> {
  const { remote } = wanted;
  const repositories = await environment.repositories;
  const ended = await repositories.use(remote.key, async (dir) => {
    const mirror = await environment.mirrors.open(remote.key, dir);
    // A repository whose user fails is removed. What fails about a push is no fault of the repository.
    return syncWith(mirror, wanted, environment).catch((failure: unknown) => {
      if (isOfPush(failure)) return { failure };
      throw failure;
    });
  });
  if ('failure' in ended) throw ended.failure;
  return ended;
}

function isOfPush(failure: unknown): boolean {
  const cause = failure instanceof Error ? failure.cause : undefined;
  return !(cause instanceof GitError) || cause.message.startsWith('failed to push');
}

async function syncWith(
  mirror: Mirror,
  wanted: Wanted,
  environment: SyncEnvironment,
): Promise<Synced> {
  const quick = wanted.isQuick ? quickBase(mirror, wanted) : undefined;
  if (quick !== undefined) {
    const done = await tryOnce(quick, mirror, wanted, environment).catch((failure: unknown) => {
      if (hasMoved(failure)) return undefined;
      throw failure;
    });
    // Where there is nothing to do, the branch may have moved to where there is.
    if (done?.pushed) return done;
  }
  for (let attempt = 1; ; attempt++) {
    const base = await checkOut(mirror, wanted, environment);
    if (base === undefined) return { revision: seenBefore(wanted), isSame: true };
    try {
      return await tryOnce(base, mirror, wanted, environment);
    } catch (failure) {
      if (!hasMoved(failure) || attempt >= MAX_ATTEMPTS) throw failure;
    }
  }
}

function hasMoved(failure: unknown): boolean {
  const cause = failure instanceof Error ? failure.cause : undefined;
  return cause instanceof GitError && cause.reason === 'ReferenceMoved';
}

/** The commit that a change begins with. */
interface Base {
  commit: string;
  /** What the branch that is pushed to has to be; nothing for one that isn't there. */
  expected: string;
  /** Of what was checked out. */
  revision: string;
}

function seenBefore({ object }: Wanted): string {
  return object.status?.observedSourceRevision ?? '';
}

/** The branch as the last run left it, without asking the remote. */
function quickBase(mirror: Mirror, wanted: Wanted): Base | undefined {
  const { checkout, pushBranch, switchesBranch, alsoPush } = wanted.target;
  const { name, tag, semver, commit } = checkout ?? {};
  if (switchesBranch || alsoPush || name || tag || semver || commit) return undefined;
  const tip = mirror.tip(branchRef(pushBranch));
  if (tip === undefined) return undefined;
  const revision = formatRevision(pushBranch, tip);
  return revision === seenBefore(wanted) ? { commit: tip, expected: tip, revision } : undefined;
}

export function branchRef(branch: string): string {
  return `refs/heads/${branch}`;
}

/** Asks the remote, and fetches what the change begins with; undefined where that was seen before and nothing else changed. */
async function checkOut(
  mirror: Mirror,
  wanted: Wanted,
  environment: SyncEnvironment,
): Promise<Base | undefined> {
  const { target, isChanged } = wanted;
  const { ask, transfer } = conversationOf(wanted, environment);
  const pushRef = branchRef(target.pushBranch);
  try {
    const resolved = await resolveRef(
      target.checkout,
      ask,
      help(wanted, mirror, transfer, environment),
      [pushRef],
    );
    if (!isChanged && resolved.revision === seenBefore(wanted)) return undefined;
    const onBranch = resolved.others?.get(pushRef);
    // As in Flux a push branch goes on from what is on it, and begins with what is checked out.
    const isOnBranch = target.switchesBranch && onBranch !== undefined;
    const commit = isOnBranch ? onBranch : resolved.commit;
    const ref = isOnBranch ? pushRef : resolved.ref;
    await mirror.fetch({ ...transfer, commit, ...(ref === undefined ? {} : { ref }) });
    return { commit, expected: onBranch ?? '', revision: resolved.revision };
  } catch (cause) {
    throw checkoutFailure(cause);
  }
}

function conversationOf(wanted: Wanted, environment: SyncEnvironment) {
  const { remote, object, target, signal } = wanted;
  return conversation(remote, object, target.timeoutMs, environment, signal);
}

/** What the choice of a version needs: Masterminds' rules, and the times of equal ones. */
function help(
  { object, signal }: Wanted,
  mirror: Mirror,
  transfer: RemoteOptions,
  { pool }: { pool: RenderPool },
): Parameters<typeof resolveRef>[2] {
  const tenant = object.metadata.namespace ?? '';
  return {
    highest: async (range, versions) =>
      (await pool.semver({ range, versions }, { tenant, signal })).highest,
    async committedAt(commits) {
      for (const commit of commits) await mirror.fetch({ ...transfer, commit });
      return withObjects({ ...transfer, dir: mirror.dir }, async (objects) => {
        const times = new Map<string, number>();
        for (const commit of commits) {
          times.set(commit, (await readCommit(objects, commit)).committer.when.getTime());
        }
        return times;
      });
    },
  };
}

async function tryOnce(
  base: Base,
  mirror: Mirror,
  wanted: Wanted,
  environment: SyncEnvironment,
): Promise<Synced> {
  const { target } = wanted;
  const { transfer } = conversationOf(wanted, environment);
  const made = await withMirror(mirror, wanted, environment, async (repository) => {
    const changed = await change(repository, base.commit, mirror, wanted, environment);
    return changed && commit(repository, base.commit, changed, wanted, environment);
  });
  if (made === undefined) return { revision: base.revision };
  const ref = branchRef(target.pushBranch);
  try {
    await pushCommits({
      ...transfer,
      dir: mirror.dir,
      refs: [
        { commit: made.commit, ref, expected: base.expected },
        ...(target.alsoPush ? [{ commit: made.commit, ref: target.alsoPush }] : []),
      ],
      options: target.options,
    });
  } catch (cause) {
    throw pushFailure(cause);
  }
  await mirror.pushed(ref, made.commit);
  const { pushBranch, switchesBranch } = target;
  return {
    revision: switchesBranch ? base.revision : formatRevision(pushBranch, made.commit),
    pushed: {
      ...made,
      branch: pushBranch,
      refspec: wanted.object.spec.git?.push?.refspec || undefined,
    },
  };
}

/** Opens the mirror for reading and writing objects. */
export function withMirror<T>(
  { dir, scope }: Mirror,
  { target, signal }: Pick<Wanted, 'target' | 'signal'>,
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
  { object, values, signal }: Pick<Wanted, 'object' | 'values' | 'signal'>,
  { marked, searchLimits }: SyncEnvironment,
): Promise<ChangedTree | undefined> {
  try {
    return await changeTree(repository, await repository.treeOf(commitId), {
      ...{ known: marked, scope, limits: searchLimits, signal, values },
      path: object.spec.update?.path,
    });
  } catch (cause) {
    throw updateFailure(cause);
  }
}

async function commit(
  repository: Repository,
  parent: string,
  { tree, files }: ChangedTree,
  { object, sign, signal }: Wanted,
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
