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
  type SyncInputs,
  seenBefore,
} from './sync-inputs.ts';

/** Attempts when somebody else pushed first. */
const MAX_ATTEMPTS = 5;

/**
 * @param proposing how changes are proposed as pull requests, if they are
 * @throws Failure GitOperationFailed, UpdateFailed, RemovedTemplateField, PullRequestFailed
 */
export async function sync(
  inputs: SyncInputs,
  environment: SyncEnvironment,
  proposing?: ProposeOptions,
): Promise<Synced> {
  const { remote } = inputs;
  const repositories = await environment.repositories;
  const ended = await repositories.use(remote.key, async (dir) => {
    const mirror = await environment.mirrors.open(remote.key, dir);
    // The cache removes a repository when its user fails. A failed push is no fault of the repository, so it is
    // reported afterwards.
    return syncWith(mirror, inputs, environment, proposing).catch((failure: unknown) => {
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
  inputs: SyncInputs,
  environment: SyncEnvironment,
  proposing: ProposeOptions | undefined,
): Promise<Synced> {
  const quick = inputs.isQuick ? quickBase(mirror, inputs) : undefined;
  if (quick !== undefined) {
    const done = await tryOnce(quick, mirror, inputs, environment).catch((failure: unknown) => {
      if (hasMoved(failure)) return undefined;
      throw failure;
    });
    // When nothing was to do, the branch may have moved to a commit for which there is.
    if (done !== undefined && done.pushed.length > 0) return done;
  }
  for (let attempt = 1; ; attempt++) {
    try {
      if (proposing) return await propose(mirror, inputs, proposing, environment);
      const base = await checkOut(mirror, inputs, environment);
      if (base === undefined) return { revision: seenBefore(inputs), isSame: true, pushed: [] };
      return await tryOnce(base, mirror, inputs, environment);
    } catch (failure) {
      if (!hasMoved(failure) || attempt >= MAX_ATTEMPTS) throw failure;
    }
  }
}

async function tryOnce(
  base: Base,
  mirror: Mirror,
  inputs: SyncInputs,
  environment: SyncEnvironment,
): Promise<Synced> {
  const { target } = inputs;
  const { transfer } = conversationOf(inputs, environment);
  const chosen = await respectedImages(mirror, base.commit, inputs, environment);
  const own = { ...inputs, values: valuesOf(inputs, chosen) };
  const made = await withMirror(mirror, inputs, environment, async (repository) => {
    const changed = await change(repository, base.commit, mirror, own, environment);
    return changed && commit(repository, base.commit, changed, inputs, environment);
  });
  if (made === undefined) {
    const before = await unreportedCommit(mirror, base.commit, chosen, inputs, environment);
    return { revision: base.revision, pushed: before ? [pushedOf(before, inputs)] : [] };
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
    pushed: [pushedOf(made, inputs)],
  };
}

function pushedOf(
  made: Pick<Pushed, 'commit' | 'message' | 'when'>,
  { target, object }: SyncInputs,
): Pushed {
  const refspec = object.spec.git?.push?.refspec || undefined;
  return { ...made, branch: target.pushBranch, refspec };
}
