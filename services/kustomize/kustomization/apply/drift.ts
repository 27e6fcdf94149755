// From an object that somebody changed to a reconcile of the Kustomization that owns it.
import type { Kustomization } from '@weir/api';
import { type AppliedObject, type Drift, inventoryId, ownerKeyOf, type Tracked } from '@weir/apply';
import { isNoMatch, type KubeClient, objectKey } from '@weir/kube';
import { CONTROLLER, type Environment, GROUP } from '../environment.ts';
import { vanishingJobs } from '../health/health.ts';

/** Watches what was applied from here on, in the state that the apply left it in. */
export async function trackApplied(
  { client, drift, digest }: Pick<Environment, 'client' | 'drift' | 'digest'>,
  object: Kustomization,
  applied: readonly AppliedObject[],
): Promise<void> {
  const vanishing = vanishingJobs(applied.map(({ desired }) => desired));
  const kept = applied.filter(({ intact }) => intact !== undefined);
  const tracked = await Promise.all(
    applied.map(async ({ change, desired, object }): Promise<Tracked | undefined> => {
      if (change.action === 'skipped' || object === undefined) return undefined;
      const type = await typeOf(client, object.apiVersion, object.kind);
      const mayVanish = vanishing.has(inventoryId(change.id));
      return type && { type, object, manifest: digest(desired), mayVanish };
    }),
  );
  drift.track(
    objectKey(object),
    tracked.filter((entry) => entry !== undefined),
    kept.map(({ change }) => change.id),
  );
}

/** Whether every change to what was applied will be noticed, its disappearance included. */
export function isWatched(applied: readonly AppliedObject[]): boolean {
  const vanishing = vanishingJobs(applied.map(({ desired }) => desired));
  return applied.every(({ change, object }) =>
    // What was skipped without a question will be so again.
    change.action === 'skipped' ? object === undefined : !vanishing.has(inventoryId(change.id)),
  );
}

async function typeOf(client: KubeClient, apiVersion: string, kind: string) {
  try {
    return await client.discovery.resourceForKind(apiVersion, kind);
  } catch (error) {
    // The kind went while we applied: there is nothing to watch.
    if (isNoMatch(error)) return undefined;
    throw error;
  }
}

/** Repairs of one object that come at once; more within the window wait longer and longer. */
const FREE_REPAIRS = 3;
const WINDOW_MS = 60_000;
const FIRST_DELAY_MS = 2_000;
const MAX_DELAY_MS = 300_000;

export interface Repair {
  delayMs: number;
  /** True once, when the repairs of an object begin to look like a fight. */
  isNewFight: boolean;
}

/**
 * Decides when a drift is put right: at once, unless somebody changes the object again and again. A
 * fight then costs both sides little, and ends when the object is left alone for a minute longer than
 * the last delay.
 */
export function createReferee(now: () => number = () => performance.now()) {
  const fights = new Map<string, { count: number; until: number }>();
  return function judge({ id }: Pick<Drift, 'id'>): Repair {
    const time = now();
    for (const [key, { until }] of fights) if (until < time) fights.delete(key);
    const key = inventoryId(id);
    const count = (fights.get(key)?.count ?? 0) + 1;
    const delayMs =
      count <= FREE_REPAIRS
        ? 0
        : Math.min(FIRST_DELAY_MS * 2 ** (count - FREE_REPAIRS - 1), MAX_DELAY_MS);
    fights.set(key, { count, until: time + WINDOW_MS + delayMs });
    return { delayMs, isNewFight: count === FREE_REPAIRS + 1 };
  };
}

/** Who else has a hand in the object: another Kustomization, or other field managers. */
export function rivals({ object, owner }: Pick<Drift, 'object' | 'owner'>): string {
  const holder = ownerKeyOf(object, GROUP);
  if (holder !== undefined && holder !== owner) {
    return `Kustomization/${holder} applies the same object: leave it to one of them.`;
  }
  const managers = (object.metadata.managedFields ?? []).flatMap(({ manager, subresource }) =>
    manager === undefined || manager === CONTROLLER || subresource !== undefined ? [] : manager,
  );
  const names = [...new Set(managers)].sort().join(', ');
  return names === '' ? 'No other field manager is known.' : `Other field managers: ${names}.`;
}
