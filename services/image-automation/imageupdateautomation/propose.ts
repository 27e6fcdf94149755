// Proposes changes as pull requests: with one branch for all policies, or one for each, that starts from the branch to
// be merged into. The branch is made anew when the change is another one; commits of others on it stay, and the change
// is added on top.
import type { PullRequestSpec } from '@weir/api';
import { GitError, pushCommits, type Repository } from '@weir/git';
import type { ChangedTree } from './change.ts';
import { type Base, checkOut } from './checkout.ts';
import { change, commit, respectedImages, valuesOf, withMirror } from './commit.ts';
import type { SyncEnvironment } from './environment.ts';
import { forgeOf } from './forge.ts';
import type { Mirror } from './mirror.ts';
import { resolvePath } from './path.ts';
import { pullRequestTexts, reconcilePullRequest } from './pullrequest.ts';
import { checkoutFailure, pushFailure } from './remote.ts';
import type { ImageRef, SetterValues } from './setters/marker.ts';
import {
  branchRef,
  conversationOf,
  type Pushed,
  type Synced,
  type SyncInputs,
} from './sync-inputs.ts';
import { invalidSource } from './target.ts';

/** A branch, and the policies whose images it proposes. */
export interface Proposal {
  branch: string;
  chosen: ReadonlyMap<string, ImageRef>;
}

export interface ProposeOptions {
  spec: PullRequestSpec;
}

/** More branches would need too many conversations with the remote for one run. */
const MAX_BRANCHES = 200;

/**
 * @throws Failure of `sync`, and PullRequestFailed
 */
export async function propose(
  mirror: Mirror,
  inputs: SyncInputs,
  { spec }: ProposeOptions,
  environment: SyncEnvironment,
): Promise<Synced> {
  const { target, object, remote, signal } = inputs;
  const base = spec.base || target.checkout?.branch;
  if (!target.switchesBranch || !base || base === target.pushBranch) {
    throw invalidSource(
      'spec.git.pullRequest needs spec.git.push.branch, which is another branch than the one to be merged into',
    );
  }
  const proposals = proposalsOf(spec, target.pushBranch, inputs.chosen);
  if (proposals.length > MAX_BRANCHES) {
    throw invalidSource(
      `spec.git.pullRequest: more than ${MAX_BRANCHES} policies with a branch each`,
    );
  }
  const refs = proposals.map(({ branch }) => branchRef(branch));
  const from = await checkOut(mirror, { ...inputs, isChanged: true }, environment, refs);
  if (from === undefined) throw new Error('a run that is changed checks out');
  const respected = await respectedImages(mirror, from.commit, inputs, environment);
  const forge = await forgeOf(object, spec, remote, environment, signal);
  const pushed: Pushed[] = [];
  const notes: string[] = [];
  for (const { branch, chosen } of proposals) {
    const proposal = { branch, chosen: onlyThose(chosen, respected) };
    const tip = from.others.get(branchRef(proposal.branch));
    const brought = await bringBranch(mirror, proposal, { from, tip }, inputs, environment);
    if (brought.pushed) pushed.push(brought.pushed);
    const texts =
      brought.changed &&
      (await pullRequestTexts(
        object,
        spec,
        { files: brought.changed.files, chosen: proposal.chosen },
        { pool: environment.pool, signal },
      ));
    const state = { head: proposal.branch, base, tip: brought.tip, texts };
    const note = await reconcilePullRequest(forge, state);
    if (note !== undefined) notes.push(note);
  }
  return { revision: from.revision, pushed, notes };
}

/** The branches that there should be. */
export function proposalsOf(
  { branches }: PullRequestSpec,
  branch: string,
  chosen: ReadonlyMap<string, ImageRef>,
): Proposal[] {
  if (branches !== 'PerPolicy') return [{ branch, chosen }];
  return [...chosen].map(([name, ref]) => ({
    branch: `${branch}-${name}`,
    chosen: new Map([[name, ref]]),
  }));
}

/** A policy whose image was reverted proposes nothing, and its pull request is closed. */
function onlyThose(
  chosen: ReadonlyMap<string, ImageRef>,
  respected: ReadonlyMap<string, ImageRef>,
): ReadonlyMap<string, ImageRef> {
  return new Map([...chosen].filter(([name]) => respected.has(name)));
}

interface Brought {
  /** Undefined if nothing changes. */
  changed: ChangedTree | undefined;
  tip: string | undefined;
  pushed?: Pushed;
}

async function bringBranch(
  mirror: Mirror,
  { branch, chosen }: Proposal,
  { from, tip }: { from: Base; tip: string | undefined },
  inputs: SyncInputs,
  environment: SyncEnvironment,
): Promise<Brought> {
  const { target } = inputs;
  const own = { ...inputs, values: valuesOf(inputs, chosen) };
  const { transfer } = conversationOf(inputs, environment);
  const ref = branchRef(branch);
  const open = <T>(use: (repository: Repository) => Promise<T>) =>
    withMirror(mirror, inputs, environment, use);
  const changed = await open((it) => change(it, from.commit, mirror, own, environment));
  if (changed === undefined) return { changed, tip };
  if (tip !== undefined) {
    await mirror.fetch({ ...transfer, commit: tip, ref }).catch((cause: unknown) => {
      throw checkoutFailure(cause);
    });
    if (await open((it) => holds(it, tip, changed, mirror, own, environment)))
      return { changed, tip };
  }
  const made = await open(async (repository) => {
    const isOurs = tip === undefined || (await isBy(repository, tip, inputs));
    if (isOurs) return commit(repository, from.commit, changed, own, environment);
    const onTop = await change(repository, tip, mirror, own, environment);
    return onTop && commit(repository, tip, onTop, own, environment);
  });
  if (made === undefined) return { changed, tip };
  try {
    const refs = [{ commit: made.commit, ref, expected: tip ?? '' }];
    await pushCommits({ ...transfer, dir: mirror.dir, refs, options: target.options });
  } catch (cause) {
    throw pushFailure(cause);
  }
  await mirror.pushed(ref, made.commit);
  return { changed, tip: made.commit, pushed: { ...made, branch, refspec: undefined } };
}

/** Whether a branch has the change already, so that it needs no other commit. */
async function holds(
  repository: Repository,
  tip: string,
  changed: ChangedTree,
  mirror: Mirror,
  inputs: SyncInputs & { values: SetterValues },
  environment: SyncEnvironment,
): Promise<boolean> {
  const { tree } = await repository.commit(tip);
  for (const [path, id] of changed.contents) {
    const resolved = await resolvePath(repository, tree, path).catch(() => undefined);
    if (resolved?.id !== id) return false;
  }
  return (await change(repository, tip, mirror, inputs, environment)) === undefined;
}

/** Whether the commit was made by an automation with this author: commits of others are never replaced. */
async function isBy(repository: Repository, tip: string, { object }: SyncInputs): Promise<boolean> {
  const { author, committer } = await repository.commit(tip);
  const email = object.spec.git?.commit.author.email;
  return author.email === email && committer.email === email;
}

/** Whether somebody else moved a branch meanwhile. */
export function hasMoved(failure: unknown): boolean {
  const cause = failure instanceof Error ? failure.cause : undefined;
  return cause instanceof GitError && cause.reason === 'ReferenceMoved';
}
