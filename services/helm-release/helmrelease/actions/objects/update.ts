// Bringing the objects of one version of a release to the next one: what is new is created, what is there is changed, and
// what left the manifest is deleted (Helm's kube.Client.Update).
import { type AppliedObject, type PlacedObject, targetOf } from '@weir/apply';
import { mapBounded } from '@weir/async';
import type { KubeObject } from '@weir/kube';
import type { HelmMergePatch } from '@weir/render';
import { type ActionRun, inStep } from '../action-run.ts';
import { appliedAs, intactAs } from './applied.ts';
import { batchesByKind } from './batches.ts';
import { throwAll } from './create.ts';
import { type LiveObjects, readObject } from './existing.ts';
import { isSameObject } from './place.ts';
import { removeLeft } from './remove.ts';
import { applyServerSide, createObject, patchObject, replaceObject } from './write.ts';

export interface UpdateOptions {
  method: 'apply' | 'patch' | 'replace';
  /** Objects that were read already. */
  live: LiveObjects;
  /** It has to be known which objects are created, to clean them up when something fails. */
  reportsCreated: boolean;
  /** Fields that were written by client-side applies are handed over to the server-side apply. */
  handOver: boolean;
  /** The client-side merge of kinds that aren't Kubernetes' own looks at the live object too. */
  threeWayForOthers: boolean;
  done(applied: AppliedObject): void;
}

/**
 * Writes `targets` over `originals`, the objects of the release before and those that are taken over. Rejects with an
 * Error in Helm's words: an object that can't be created ends the update, others don't stop each other.
 */
export async function updateObjects(
  run: ActionRun,
  originals: readonly PlacedObject[],
  targets: readonly PlacedObject[],
  options: UpdateOptions,
): Promise<void> {
  const { concurrency } = run.ctx.options;
  const intact = findIntact(run, targets, options);
  const open = targets.filter((placed) => !intact.has(placed));
  const live = await readAll(run, open, options);
  const patches = await mergePatches(run, originals, open, live, options);
  const failures: unknown[] = [];
  for (const batch of batchesByKind(targets)) {
    await mapBounded(batch, concurrency, async (placed) => {
      const uid = intact.get(placed);
      if (uid !== undefined) return options.done(intactAs(placed, uid));
      const object = live.get(placed);
      const isMissing = live.has(placed) && object === undefined;
      const applied = isMissing
        ? await create(run, placed, options.method)
        : await change(run, placed, { live: object, patch: patches.get(placed), options });
      if (isFailure(applied)) failures.push(applied.error);
      else options.done(applied);
    });
  }
  throwAll(run, failures, ' && ');
  await removeLeft(
    run,
    originals.filter((one) => !targets.some((other) => isSameObject(one, other))),
  );
}

/** Objects that the drift watch knows to be as this very manifest was applied: nothing is asked about them. */
function findIntact(
  { ctx, digest }: ActionRun,
  targets: readonly PlacedObject[],
  { method, handOver }: UpdateOptions,
): Map<PlacedObject, string> {
  if (method === 'replace' || handOver) return new Map();
  return new Map(
    targets.flatMap((placed) => {
      const { object } = placed;
      const uid = ctx.cluster.drift.intact(targetOf(object), digest(object));
      return uid === undefined ? [] : [[placed, uid] as const];
    }),
  );
}

/**
 * The objects as they are there: all of them where that matters, else those that were read already, since a server-side
 * apply creates what is missing.
 */
async function readAll(
  { ctx }: ActionRun,
  targets: readonly PlacedObject[],
  { method, live: known, reportsCreated, handOver }: UpdateOptions,
): Promise<LiveObjects> {
  if (method === 'apply' && !reportsCreated && !handOver) return known;
  const { cluster, options, signal } = ctx;
  const how = { metadataOnly: method === 'apply', signal };
  const open = targets.filter((placed) => !known.has(placed));
  const found = await mapBounded(open, options.concurrency, (placed) =>
    inStep('could not get information about the resource', readObject(cluster.client, placed, how)),
  );
  return new Map([...known, ...open.map((placed, index) => [placed, found[index]] as const)]);
}

/** The patches of a client-side apply, from the engine; none for the other ways. */
async function mergePatches(
  { ctx, engine }: ActionRun,
  originals: readonly PlacedObject[],
  targets: readonly PlacedObject[],
  live: LiveObjects,
  { method, threeWayForOthers }: UpdateOptions,
): Promise<Map<PlacedObject, HelmMergePatch>> {
  const there = targets.flatMap((placed) => {
    const object = live.get(placed);
    return object === undefined ? [] : [{ placed, object }];
  });
  if (method !== 'patch' || there.length === 0) return new Map();
  const objects = there.map(({ placed, object }) => ({
    // An object that neither release has is compared with itself, as it is there.
    original: originals.find((one) => isSameObject(one, placed))?.object ?? object,
    modified: placed.object,
    live: object,
  }));
  const patches = await ctx.pool.helmMerge({ objects, threeWayForOthers }, engine);
  return new Map(
    there.flatMap(({ placed }, index) => {
      const patch = patches[index];
      return patch === undefined ? [] : [[placed, patch] as const];
    }),
  );
}

async function create(
  { ctx, guard }: ActionRun,
  placed: PlacedObject,
  method: UpdateOptions['method'],
): Promise<AppliedObject> {
  const writer = { client: ctx.cluster.client, guard, signal: ctx.signal };
  const created =
    method === 'apply'
      ? applyServerSide(writer, placed, { force: true })
      : createObject(writer, placed);
  return appliedAs('created', placed, await inStep('failed to create resource', created));
}

interface Failed {
  error: unknown;
}

async function change(
  { ctx, guard }: ActionRun,
  placed: PlacedObject,
  {
    live,
    patch,
    options: { method, handOver },
  }: {
    live: KubeObject | undefined;
    patch: HelmMergePatch | undefined;
    options: UpdateOptions;
  },
): Promise<AppliedObject | Failed> {
  const writer = { client: ctx.cluster.client, guard, signal: ctx.signal };
  try {
    if (method === 'apply') {
      const from = handOver ? live : undefined;
      const object = await applyServerSide(writer, placed, { force: true, live: from });
      return appliedAs('configured', placed, object);
    }
    if (live === undefined) throw new Error(`${placed.object.metadata.name} was not read`);
    const object =
      method === 'replace' || patch === undefined
        ? await replaceObject(writer, placed, live)
        : await patchObject(writer, placed, patch, live);
    return appliedAs('configured', placed, object);
  } catch (error) {
    return { error };
  }
}

function isFailure(outcome: AppliedObject | Failed): outcome is Failed {
  return 'error' in outcome;
}
