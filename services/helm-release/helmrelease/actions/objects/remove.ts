// Deleting objects of a release. A delete names the UID that was read just before, so that one which arrives late never
// hits a successor.
import {
  type ObjectTarget,
  type PlacedObject,
  subjectOf,
  targetOf,
  waitUntilGone,
} from '@weir/apply';
import { isConflict, isForbidden, isNotFound, type KubeObject } from '@weir/kube';
import { type ActionRun, mayGoOn, messageOf } from '../action-run.ts';
import { interruptible } from '../wait/interruptible.ts';
import { everyObject } from './batches.ts';
import { throwAll } from './create.ts';
import { readObject } from './existing.ts';

export type Propagation = 'Background' | 'Foreground' | 'Orphan';

const ATTEMPTS = 5;
const RESOURCE_POLICY = 'helm.sh/resource-policy';

/** Whether an object stays when it leaves the release: the chart says so in the object, or somebody in the live one. */
export function isKept(live: KubeObject): boolean {
  return live.metadata.annotations?.[RESOURCE_POLICY] === 'keep';
}

/** Whether an uninstall leaves the object alone. Any other policy than `keep` does so too, but isn't listed, as in Helm. */
export function uninstallPolicy(object: KubeObject): 'delete' | 'keep' | 'ignore' {
  const policy = object.metadata.annotations?.[RESOURCE_POLICY];
  if (policy === undefined) return 'delete';
  return policy.trim().toLowerCase() === 'keep' ? 'keep' : 'ignore';
}

/** Deletes what an update leaves behind, one after the other. What can't be read is passed over, as in Helm. */
export async function removeLeft(run: ActionRun, left: readonly PlacedObject[]): Promise<void> {
  const { ctx } = run;
  const failures: unknown[] = [];
  for (const placed of left) {
    const { client } = ctx.cluster;
    const read = { metadataOnly: true, signal: ctx.signal };
    const live = await readObject(client, placed, read).catch((error: unknown) => {
      if (!mayGoOn(run, error)) throw error;
      ctx.line(`unable to get object: ${messageOf(error)}`);
      return undefined;
    });
    if (live === undefined || isKept(live)) continue;
    try {
      await deleteOne(run, placed, live, 'Background');
    } catch (error) {
      const { namespace = '', name } = placed.object.metadata;
      const what = `namespace=${namespace}, name=${name}, kind=${placed.type.kind}`;
      failures.push(
        new Error(`failed to delete resource ${what}: ${messageOf(error)}`, { cause: error }),
      );
    }
  }
  throwAll(run, failures, ' && ');
}

export interface Removal {
  /** Objects that a finalizer, a grace period or the propagation keeps for a while. */
  going: PlacedObject[];
  failures: unknown[];
}

/** Deletes objects in the order given, those of one kind at once. What isn't there counts as deleted. */
export async function removeObjects(
  run: ActionRun,
  objects: readonly PlacedObject[],
  propagation: Propagation,
): Promise<Removal> {
  const { ctx } = run;
  const going: PlacedObject[] = [];
  const failures = await everyObject(objects, ctx.options.concurrency, async (placed) => {
    for (let attempt = 1; ; attempt++) {
      const live = await liveOf(run, placed);
      if (live === undefined) return;
      try {
        if (!(await deleteOne(run, placed, live, propagation))) going.push(placed);
        return;
      } catch (error) {
        // Somebody has made it anew since it was read.
        if (!isConflict(error) || attempt === ATTEMPTS) throw error;
      }
    }
  });
  const end = failures.find((error) => !mayGoOn(run, error));
  if (end !== undefined) throw end;
  return { going, failures };
}

/**
 * Waits until objects are gone. Rejects with Flux's message about the first one that isn't when the time is over.
 */
export async function waitUntilRemoved(
  run: ActionRun,
  objects: readonly PlacedObject[],
): Promise<void> {
  if (objects.length === 0) return;
  const { cluster, timeoutMs } = run.ctx;
  const targets: ObjectTarget[] = objects.map(({ object }) => targetOf(object));
  const [left] = await interruptible(run, (signal) =>
    waitUntilGone(cluster, targets, { timeoutMs, signal }),
  );
  if (left === undefined) return;
  throw new Error(`${subjectOf(left)} termination timeout: context deadline exceeded`);
}

/** An account may delete what it may not read: then the delete goes by the name alone. */
async function liveOf({ ctx }: ActionRun, placed: PlacedObject): Promise<KubeObject | undefined> {
  const { client } = ctx.cluster;
  try {
    return await readObject(client, placed, { metadataOnly: true, signal: ctx.signal });
  } catch (error) {
    if (isForbidden(error)) return placed.object;
    throw error;
  }
}

async function deleteOne(
  { ctx, guard }: ActionRun,
  { object, type }: PlacedObject,
  live: KubeObject,
  propagationPolicy: Propagation,
): Promise<boolean> {
  const { uid } = live.metadata;
  guard();
  try {
    const { isGone } = await ctx.cluster.client.delete(type, object.metadata, {
      ...(uid === undefined ? {} : { uid }),
      propagationPolicy,
      signal: ctx.signal,
    });
    return isGone;
  } catch (error) {
    if (isNotFound(error)) return true;
    throw error;
  }
}
