// A server-side apply in stages. All objects of a stage are dry-run before the first of them is written, and the next stage
// begins when what it needs (kinds, namespaces, roles, classes) is ready.

import { mapBounded } from '@weir/async';
import type { KubeObject } from '@weir/kube';
import type { Change, ChangeSet } from './changes.ts';
import type { TargetCluster } from './cluster.ts';
import { untilServed } from './definitions.ts';
import { ApplyError } from './errors.ts';
import { managerRules } from './field-managers.ts';
import { waitForHealth } from './health.ts';
import type { StatusFunction } from './health-types.ts';
import type { Owner } from './labels.ts';
import { type ObjectId, type ObjectTarget, targetOf } from './objects.ts';
import { type Plan, planObject } from './plan.ts';
import { intoStages, intoWaves, type Stage } from './stages.ts';
import { carryOut } from './write.ts';

export interface ApplyOptions {
  owner: Owner;
  /** Delete and create objects whose immutable fields changed. */
  force?: boolean;
  /** The largest number of requests at the same time; 16 when not given. */
  concurrency?: number;
  /** `<group>/<kind>` of the kinds that form a stage of their own, after the classes and before the rest. */
  customKinds?: ReadonlySet<string>;
  /** Prefixes of field managers to take over from, beside kubectl's. */
  overrideManagers?: readonly string[];
  /** JSON pointers of the fields of an object that others may write (Flux's ignore rules). */
  exempt?: ((object: KubeObject) => Promise<string[]>) | undefined;
  /** Rewrite records of field ownership that were made for another version of the kind (Flux's gate MigrateAPIVersion). */
  migrateVersion?: boolean | undefined;
  /**
   * The digest of a manifest that the drift watch keeps. Where it is given, no request is sent for an object that the
   * drift watch knows to be as this manifest was applied: it counts as unchanged.
   */
  digest?: ((desired: KubeObject) => string) | undefined;
  /** True for objects that the inventory holds. */
  expected?(id: ObjectId): boolean;
  /**
   * Records the objects that are about to be applied. It runs beside the first dry-run, and no object is written before it
   * is done.
   */
  record?(): Promise<void>;
  /** Called before each write; throws to stop the apply (ownership lost). */
  guard?(): void;
  status: StatusFunction;
  /** How long definitions and classes may take to get ready. Milliseconds; 60 000 when not given. */
  waitTimeoutMs?: number;
  signal: AbortSignal;
}

export interface AppliedObject {
  change: Change;
  /** As the manifest says. */
  desired: KubeObject;
  /** The object in the API server's last answer; absent if no request was sent for it. */
  object?: KubeObject;
  /** The UID of an object that was known to be intact, so that no request was sent for it. */
  intact?: string;
}

/**
 * Applies objects in stages and returns the result for each, in order. Throws ApplyError: its message names the object
 * that failed, its `changes` are those of the stages before, and its `touched` are all objects that may have been
 * written.
 */
export async function applyObjects(
  cluster: TargetCluster,
  objects: readonly KubeObject[],
  options: ApplyOptions,
): Promise<AppliedObject[]> {
  const done: AppliedObject[] = [];
  const touched: ObjectTarget[] = [];
  // The record is made while the first dry-run is under way. Every path below awaits it, so that its failure is never lost.
  const recorded = (options.record ?? nothing)();
  try {
    for (const stage of intoStages(objects, options.customKinds)) {
      const [plans] = await bothSettled(planStage(cluster, stage, options), recorded);
      const applied = await writeStage(cluster, plans, touched, options);
      done.push(...applied);
      if (stage.awaited) await settle(cluster, applied, options);
    }
    await recorded;
    return done;
  } catch (error) {
    const changes: ChangeSet = done.map(({ change }) => change);
    throw new ApplyError(error, changes, touched);
  }
}

const DEFAULT_CONCURRENCY = 16;
const DEFAULT_WAIT_MS = 60_000;

async function nothing(): Promise<void> {
  // Without an inventory there is nothing to write down.
}

/** Waits until both have settled, and then throws the first one's error, or else the second's. */
async function bothSettled<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([a, b]);
  return [await a, await b];
}

function planStage(
  { client, drift }: TargetCluster,
  stage: Stage,
  options: ApplyOptions,
): Promise<Plan[]> {
  const { owner, force = false, exempt, migrateVersion, digest, signal } = options;
  const intact = digest && ((object: KubeObject) => drift.intact(targetOf(object), digest(object)));
  const { expected = () => false, guard = () => undefined } = options;
  const rules = managerRules(owner.fieldManager, options.overrideManagers);
  const how = { owner, rules, force, expected, exempt, migrateVersion, intact, guard, signal };
  return mapBounded(stage.objects, options.concurrency ?? DEFAULT_CONCURRENCY, (object) =>
    planObject(client, object, how),
  );
}

async function writeStage(
  { client }: TargetCluster,
  plans: readonly Plan[],
  touched: ObjectTarget[],
  options: ApplyOptions,
): Promise<AppliedObject[]> {
  const { owner, guard = () => undefined, waitTimeoutMs = DEFAULT_WAIT_MS, signal } = options;
  const rules = managerRules(owner.fieldManager, options.overrideManagers);
  const written = new Map<Plan, KubeObject>();
  for (const wave of intoWaves(plans, ({ target }) => target.kind)) {
    await mapBounded(wave, options.concurrency ?? DEFAULT_CONCURRENCY, async (plan) => {
      const { type } = plan;
      if (plan.write === 'none' || type === undefined) return;
      touched.push(plan.target);
      const how = { owner, rules, guard, waitTimeoutMs, signal };
      written.set(plan, await carryOut(client, { ...plan, type }, how));
    });
  }
  return plans.map((plan) => {
    const object = written.get(plan) ?? plan.merged ?? plan.live;
    return {
      change: changeOf(plan),
      desired: plan.desired,
      ...(object === undefined ? {} : { object }),
      ...(plan.intact === undefined ? {} : { intact: plan.intact }),
    };
  });
}

function changeOf({ target, action }: Plan): Change {
  const { version, ...id } = target;
  return { id, version, action };
}

/** Waits until the objects of a stage are ready for the next stage: healthy, and served where they define kinds. */
async function settle(
  cluster: TargetCluster,
  applied: readonly AppliedObject[],
  { status, waitTimeoutMs = DEFAULT_WAIT_MS, signal }: ApplyOptions,
): Promise<void> {
  const targets = applied
    .filter(({ change, intact }) => change.action !== 'skipped' && intact === undefined)
    .map(({ change, object }) => ({
      target: { ...change.id, version: change.version },
      ...(object === undefined ? {} : { object }),
    }));
  if (targets.length === 0) return;
  const health = await waitForHealth(cluster, targets, {
    status,
    timeoutMs: waitTimeoutMs,
    failFast: false,
    signal,
  });
  if (!health.healthy) throw new Error(health.message);
  const changed = applied.filter(({ change }) => ['created', 'configured'].includes(change.action));
  await untilServed(
    cluster.client,
    changed.flatMap(({ object }) => object ?? []),
    { timeoutMs: waitTimeoutMs, signal },
  );
}
