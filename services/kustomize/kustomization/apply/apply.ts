// The step that applies what was built.
import {
  type Artifact,
  formatDuration,
  type Inventory,
  type Kustomization,
  Reason,
} from '@weir/api';
import {
  type AppliedObject,
  ApplyError,
  applyObjects,
  changeLog,
  effective,
  formatChange,
  formatChanges,
  inventoryId,
  type ObjectTarget,
  trackApplied,
} from '@weir/apply';
import { type KubeObject, objectKey } from '@weir/kube';
import { Failure, setFields, statusFunction } from '@weir/reconcile';
import type { Build } from '../build/build.ts';
import { trustedBuild } from '../last-build/skip-build.ts';
import { type ClusterRun, revisionsOf } from '../run.ts';
import { timeoutMs } from '../timing.ts';
import { ignoredFields } from './ignore-rules.ts';
import { grownInventory, heldEntries, touchedInventory } from './inventory.ts';
import { ownerOf } from './owner.ts';
import { masked, maskedCause } from './secrecy.ts';

/** The message of Flux's log line for an apply, which searches and dashboards use. */
const APPLIED = 'server-side apply completed';

export interface ApplyResult {
  applied: AppliedObject[];
  /** Whether anything in the cluster was created or changed. */
  changed: boolean;
}

/** Applies what was built and publishes an event of what changed. Fails with ReconciliationFailed. */
export async function apply(
  run: ClusterRun,
  artifact: Artifact,
  build: Build,
): Promise<ApplyResult> {
  const { env, object, status, events, cluster, ctx } = run;
  const { objects, secretValues } = build;
  const { revision } = artifact;
  const held = heldEntries(object);
  const known = new Set(held.map(({ id }) => id));
  const key = objectKey(object);
  status.progress(
    `Detecting drift for revision ${revision} with a timeout of ${formatDuration(timeoutMs(object))}`,
  );
  return env.tracing.span('kustomize.apply', {}, async () => {
    const exempt = await ignoredFields(env.pool, object);
    cluster.drift.hold(key);
    try {
      const applied = await applyObjects(cluster, objects, {
        owner: ownerOf(object),
        force: object.spec.force ?? false,
        concurrency: env.settings.concurrentSsa,
        customKinds: env.settings.customStageKinds,
        overrideManagers: env.settings.overrideManagers,
        exempt,
        migrateVersion: env.settings.gates.MigrateAPIVersion,
        digest: trustedBuild(run) === undefined ? undefined : env.digest,
        expected: (id) => known.has(inventoryId(id)),
        record: () => recordGrowth(run, objects),
        guard: ctx.guard,
        status: statusFunction(env.pool, object),
        signal: ctx.signal,
      });
      await trackApplied(cluster, key, applied, env.digest);
      const all = applied.map(({ change }) => change);
      const changes = effective(all);
      const output = changeLog(all, { grouped: env.settings.gates.GroupChangeLog });
      const changed = changes.length > 0;
      ctx.log[changed ? 'info' : 'debug']({ output, revision }, APPLIED);
      if (changed) {
        status.quiet(false);
        events.publish('info', formatChanges(changes), revisionsOf(artifact));
      }
      return { applied, changed };
    } catch (error) {
      if (!(error instanceof ApplyError)) throw error;
      // Some objects are written and others not; the next run compares all of them.
      if (error.touched.length > 0) cluster.drift.untrack(key);
      status.update((it) => setFields(it, { inventory: touched(object, error.touched) }));
      const log = effective(error.changes).map((change) => `${formatChange(change)}\n`);
      const message = masked(`${error.message}\n${log.join('')}`, secretValues);
      const cause = maskedCause(error.cause, secretValues);
      throw new Failure(Reason.ReconciliationFailed, message, { cause });
    } finally {
      cluster.drift.release(key);
    }
  });
}

/** The inventory after an apply that broke off: what the object had before, and what was about to be written. */
function touched(object: Kustomization, targets: ObjectTarget[]): Inventory | undefined {
  if (targets.length === 0) return object.status?.inventory;
  return { entries: touchedInventory(heldEntries(object), targets) };
}

/** Writes the inventory with the objects that are about to be applied, so that after a crash each of them is in it. */
async function recordGrowth(
  { object, status, ctx }: ClusterRun,
  objects: KubeObject[],
): Promise<void> {
  const grown = grownInventory(heldEntries(object), objects);
  if (grown === undefined) return;
  ctx.guard();
  await status.recordInventory(grown);
}
