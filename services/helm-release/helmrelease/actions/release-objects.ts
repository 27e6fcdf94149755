// Applying the objects of a version: creates where nothing is there, updates elsewhere, and what was applied is watched.
import { type AppliedObject, isOwnedBy, type PlacedObject, trackApplied } from '@weir/apply';
import type { ActionRun } from './action-run.ts';
import { type CreateOptions, createObjects } from './objects/create.ts';
import { type UpdateOptions, updateObjects } from './objects/update.ts';

export interface ReleaseUpdate extends Omit<UpdateOptions, 'done'> {
  originals: readonly PlacedObject[];
}

/** What became of the objects; `failure` where something could not be applied, or not deleted. */
export interface Applied {
  objects: AppliedObject[];
  failure?: { error: unknown };
}

/** Creates all objects of a first version. */
export function createAll(
  run: ActionRun,
  targets: readonly PlacedObject[],
  options: Omit<CreateOptions, 'done'>,
) {
  return watched(run, targets, (done) => createObjects(run, targets, { ...options, done }));
}

/** Brings the objects of one version to those of another. */
export function updateAll(
  run: ActionRun,
  targets: readonly PlacedObject[],
  { originals, ...options }: ReleaseUpdate,
) {
  return watched(run, targets, (done) =>
    updateObjects(run, originals, targets, { ...options, done }),
  );
}

/** Objects that were created by an update. */
export function createdBy({ objects }: Applied, targets: readonly PlacedObject[]): PlacedObject[] {
  const created = new Set(
    objects.filter(({ change }) => change.action === 'created').map(({ desired }) => desired),
  );
  return targets.filter(({ object }) => created.has(object));
}

/**
 * Watches the objects in the state in which they are now. The watches go by the labels of the HelmRelease: where an object
 * has them not, as in a version that the helm CLI has made, nothing is watched, so that nothing counts as gone.
 */
export async function trackRelease(
  { ctx, key, digest, owner }: ActionRun,
  objects: readonly AppliedObject[],
): Promise<void> {
  const areLabelled = objects.every(({ desired }) => isOwnedBy(desired, owner));
  if (areLabelled) await trackApplied(ctx.cluster, key, objects, digest);
  else ctx.cluster.drift.untrack(key);
}

async function watched(
  run: ActionRun,
  targets: readonly PlacedObject[],
  work: (done: (applied: AppliedObject) => void) => Promise<void>,
): Promise<Applied> {
  const { ctx, key } = run;
  const { drift } = ctx.cluster;
  const byObject = new Map<object, AppliedObject>();
  drift.hold(key);
  try {
    await work((applied) => byObject.set(applied.desired, applied));
    const objects = targets.flatMap(({ object }) => byObject.get(object) ?? []);
    await trackRelease(run, objects);
    return { objects };
  } catch (error) {
    // What is there now is neither the one version nor the other: nothing about it is known until the next apply.
    drift.untrack(key);
    return { objects: [...byObject.values()], failure: { error } };
  }
}
