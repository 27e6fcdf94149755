// Updates a branch: fetches it, changes it as the policies say, commits and pushes. If the branch moves meanwhile, it
// is fetched again, and the change is made anew.
import { formatRevision, GitError, pushCommits } from '@weir/git';
import { type Base, checkOut, quickBase } from './checkout.ts';
import {
  change,
  commit,
  respectedImages,
  unreportedCommit,
  valuesOf,
  withMirror,
} from './commit.ts';
import type { SyncEnvironment } from './environment.ts';
import type { Mirror } from './mirror.ts';
import { hasMoved, type ProposeOptions, propose } from './propose.ts';
import { pushFailure } from './remote.ts';
import {
  branchRef,
  conversationOf,
  type Pushed,
  type Synced,
  seenBefore,
  type Wanted,
} from './wanted.ts';

/** Attempts when somebody else pushed first. */
const MAX_ATTEMPTS = 5;

/**
 * @param proposing how changes are proposed as pull requests, if they are
 * @throws Failure GitOperationFailed, UpdateFailed, RemovedTemplateField, PullRequestFailed
 */
export async function sync(
  wanted: Wanted,
  environment: SyncEnvironment,
  proposing?: ProposeOptions,
): Promise<Synced> {
  const { remote } = wanted;
  const repositories = await environment.repositories;
  const ended = await repositories.use(remote.key, async (dir) => {
    const mirror = await environment.mirrors.open(remote.key, dir);
    // The cache removes a repository when its user fails. A failed push is no fault of the repository, so it is
    // reported afterwards.
    return syncWith(mirror, wanted, environment, proposing).catch((failure: unknown) => {
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
  proposing: ProposeOptions | undefined,
): Promise<Synced> {
  const quick = wanted.isQuick ? quickBase(mirror, wanted) : undefined;
  if (quick !== undefined) {
    const done = await tryOnce(quick, mirror, wanted, environment).catch((failure: unknown) => {
      if (hasMoved(failure)) return undefined;
      throw failure;
    });
    // When nothing was to do, the branch may have moved to a commit for which there is.
    if (done !== undefined && done.pushed.length > 0) return done;
  }
  for (let attempt = 1; ; attempt++) {
    try {
      if (proposing) return await propose(mirror, wanted, proposing, environment);
      const base = await checkOut(mirror, wanted, environment);
      if (base === undefined) return { revision: seenBefore(wanted), isSame: true, pushed: [] };
      return await tryOnce(base, mirror, wanted, environment);
    } catch (failure) {
      if (!hasMoved(failure) || attempt >= MAX_ATTEMPTS) throw failure;
    }
  }
}

async function tryOnce(
  base: Base,
  mirror: Mirror,
  wanted: Wanted,
  environment: SyncEnvironment,
): Promise<Synced> {
  const { target } = wanted;
  const { transfer } = conversationOf(wanted, environment);
  const chosen = await respectedImages(mirror, base.commit, wanted, environment);
  const own = { ...wanted, values: valuesOf(wanted, chosen) };
  const made = await withMirror(mirror, wanted, environment, async (repository) => {
    const changed = await change(repository, base.commit, mirror, own, environment);
    return changed && commit(repository, base.commit, changed, wanted, environment);
  });
  if (made === undefined) {
    const before = await unreportedCommit(mirror, base.commit, chosen, wanted, environment);
    return { revision: base.revision, pushed: before ? [pushedOf(before, wanted)] : [] };
  }
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
    pushed: [pushedOf(made, wanted)],
  };
}

function pushedOf(
  made: Pick<Pushed, 'commit' | 'message' | 'when'>,
  { target, object }: Wanted,
): Pushed {
  const refspec = object.spec.git?.push?.refspec || undefined;
  return { ...made, branch: target.pushBranch, refspec };
}
