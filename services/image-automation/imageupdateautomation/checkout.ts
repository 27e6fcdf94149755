// Fetches the commit that a change starts from into the mirror.
import { formatRevision, type RemoteOptions, readCommit, resolveRef, withObjects } from '@weir/git';
import type { RenderPool } from '@weir/render';
import type { SyncEnvironment } from './environment.ts';
import type { Mirror } from './mirror.ts';
import { checkoutFailure } from './remote.ts';
import { branchRef, conversationOf, type SyncInputs, seenBefore } from './sync-inputs.ts';

/** The commit that a change starts from. */
export interface Base {
  commit: string;
  /** The commit that the pushed branch must have at the remote; empty for a branch that must not exist. */
  expected: string;
  /** The revision that was checked out. */
  revision: string;
  /** The commits of other references, if they were asked for. */
  others: ReadonlyMap<string, string>;
}

/** The branch as the last run left it, without asking the remote. */
export function quickBase(mirror: Mirror, inputs: SyncInputs): Base | undefined {
  const { checkout, pushBranch, switchesBranch, alsoPush } = inputs.target;
  const { name, tag, semver, commit } = checkout ?? {};
  if (switchesBranch || alsoPush || name || tag || semver || commit) return undefined;
  const tip = mirror.tip(branchRef(pushBranch));
  if (tip === undefined) return undefined;
  const revision = formatRevision(pushBranch, tip);
  return revision === seenBefore(inputs)
    ? { commit: tip, expected: tip, revision, others: new Map() }
    : undefined;
}

/**
 * Asks the remote, and fetches the commit that the change starts from; undefined if that was handled before and nothing
 * else changed.
 * @param others references to resolve as well; then the change starts from what is checked out, whatever is on the push
 * branch
 */
export async function checkOut(
  mirror: Mirror,
  inputs: SyncInputs,
  environment: SyncEnvironment,
  others?: readonly string[],
): Promise<Base | undefined> {
  const { target, isChanged } = inputs;
  const { ask, transfer } = conversationOf(inputs, environment);
  const pushRef = branchRef(target.pushBranch);
  try {
    const resolved = await resolveRef(
      target.checkout,
      ask,
      help(inputs, mirror, transfer, environment),
      others ?? [pushRef],
    );
    if (!isChanged && resolved.revision === seenBefore(inputs)) return undefined;
    const onBranch = others === undefined ? resolved.others?.get(pushRef) : undefined;
    // As in Flux, a push branch that exists is continued, and a new one starts from what is checked out.
    const isOnBranch = target.switchesBranch && onBranch !== undefined;
    const commit = isOnBranch ? onBranch : resolved.commit;
    const ref = isOnBranch ? pushRef : resolved.ref;
    await mirror.fetch({ ...transfer, commit, ...(ref === undefined ? {} : { ref }) });
    const { revision, others: found = new Map<string, string>() } = resolved;
    return { commit, expected: onBranch ?? '', revision, others: found };
  } catch (cause) {
    throw checkoutFailure(cause);
  }
}

/** What the choice of a version needs: Masterminds' rules, and the commit times of equal versions. */
function help(
  { object, signal }: SyncInputs,
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
