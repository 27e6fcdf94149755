// Hands the objects of an apply to the drift watch, which watches them in the state in which the apply left them.
import { isNoMatch, type KubeClient, type KubeObject, type ResourceType } from '@weir/kube';
import type { AppliedObject } from './apply.ts';
import type { TargetCluster } from './cluster.ts';
import type { Tracked } from './drift.ts';
import { inventoryId } from './inventory.ts';
import { targetOf } from './objects.ts';

/**
 * Replaces what is watched for `owner` (`<namespace>/<name>`) by what was just applied. `digest` makes a digest of a
 * manifest, as in the options of the apply.
 */
export async function trackApplied(
  { client, drift }: TargetCluster,
  owner: string,
  applied: readonly AppliedObject[],
  digest: (desired: KubeObject) => string,
): Promise<void> {
  const vanishing = vanishingJobs(applied.map(({ desired }) => desired));
  const intact = applied.filter(({ intact }) => intact !== undefined);
  const tracked = await Promise.all(
    applied.map(async ({ change, desired, object }): Promise<Tracked | undefined> => {
      if (change.action === 'skipped' || object === undefined) return undefined;
      const type = await typeOf(client, object);
      const mayVanish = vanishing.has(inventoryId(change.id));
      return type && { type, object, manifest: digest(desired), mayVanish };
    }),
  );
  drift.track(
    owner,
    tracked.filter((entry) => entry !== undefined),
    intact.map(({ change }) => change.id),
  );
}

/** Whether every change to what was applied will be noticed, its disappearance included. */
export function isWatched(applied: readonly AppliedObject[]): boolean {
  const vanishing = vanishingJobs(applied.map(({ desired }) => desired));
  return applied.every(({ change, object }) =>
    // An object that was skipped without a request will be skipped again.
    change.action === 'skipped' ? object === undefined : !vanishing.has(inventoryId(change.id)),
  );
}

/** Inventory ids of Jobs that delete themselves when they are done. */
export function vanishingJobs(objects: readonly KubeObject[]): Set<string> {
  const jobs = objects.filter(
    ({ apiVersion, kind, spec }) =>
      kind === 'Job' &&
      apiVersion.startsWith('batch/') &&
      Number.isInteger(
        (spec as { ttlSecondsAfterFinished?: unknown } | undefined)?.ttlSecondsAfterFinished,
      ),
  );
  return new Set(jobs.map((job) => inventoryId(targetOf(job))));
}

async function typeOf(
  client: KubeClient,
  { apiVersion, kind }: KubeObject,
): Promise<ResourceType | undefined> {
  try {
    return await client.discovery.resourceForKind(apiVersion, kind);
  } catch (error) {
    // The kind was removed while its objects were applied, so there is nothing to watch.
    if (isNoMatch(error)) return undefined;
    throw error;
  }
}
