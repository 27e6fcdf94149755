// The steps that write to the cluster: what was built is applied, and what left the inventory is deleted.
import { formatDuration, type Inventory, type Kustomization, Reason } from '@weir/api';
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
  pruneObjects,
  targetOf,
} from '@weir/apply';
import { type KubeObject, objectKey } from '@weir/kube';
import type { Build } from '../build/build.ts';
import { trackApplied } from './drift.ts';
import type { Environment } from '../environment.ts';
import { exemptionsOf } from './ignore-rules.ts';
import { statusFunction } from '../health/expressions.ts';
import { Failure } from '../status/failure.ts';
import {
  appliedEntries,
  grownInventory,
  heldEntries,
  staleTargets,
  touchedInventory,
} from './inventory.ts';
import { ownerOf } from './owner.ts';
import { type Run, revisions } from '../run.ts';
import { timeoutMs } from '../timing.ts';
import { trustedBasis } from '../last-build/skip-build.ts';

/** Flux's log line for an apply: what searches and dashboards look for. */
const APPLIED = 'server-side apply completed';

/** Applies what was built, and tells what changed. Fails with ReconciliationFailed. */
export async function apply(run: Run, { objects }: Build): Promise<AppliedObject[]> {
  const { env, object, report, tell, client, ctx } = run;
  const { revision } = revisions(run);
  const held = heldEntries(object);
  const known = new Set(held.map(({ id }) => id));
  const key = objectKey(object);
  report.progress(
    `Detecting drift for revision ${revision} with a timeout of ${formatDuration(timeoutMs(object))}`,
  );
  return env.tracing.span('kustomize.apply', {}, async () => {
    const exempt = await exemptionsOf(env.pool, object);
    const trusted = trustedBasis(run) !== undefined;
    env.drift.hold(key);
    try {
      const applied = await applyObjects(client, objects, {
        owner: ownerOf(object),
        force: object.spec.force ?? false,
        concurrency: env.settings.concurrentSsa,
        customKinds: env.settings.customStageKinds,
        overrideManagers: env.settings.overrideManagers,
        exempt,
        migrateVersion: env.settings.gates.MigrateAPIVersion,
        intact: trusted ? (desired) => isIntact(env, desired) : undefined,
        expected: (id) => known.has(inventoryId(id)),
        record: () => record(run, objects),
        guard: ctx.guard,
        status: statusFunction(env.pool, object),
        signal: ctx.signal,
      });
      await trackApplied(env, object, applied);
      const all = applied.map(({ change }) => change);
      const changes = effective(all);
      const output = changeLog(all, { grouped: env.settings.gates.GroupChangeLog });
      ctx.log[changes.length > 0 ? 'info' : 'debug']({ output, revision }, APPLIED);
      if (changes.length > 0) {
        run.changed = true;
        report.quiet(false);
        tell('info', formatChanges(changes), revisions(run));
      }
      return applied;
    } catch (error) {
      if (!(error instanceof ApplyError)) throw error;
      // What was written half is left to the retry.
      if (error.touched.length > 0) env.drift.untrack(key);
      report.set({ inventory: touched(object, error.touched) });
      const log = effective(error.changes).map((change) => `${formatChange(change)}\n`);
      const message = `${error.message}\n${log.join('')}`;
      throw new Failure(Reason.ReconciliationFailed, message, { cause: error.cause });
    } finally {
      env.drift.release(key);
    }
  });
}

/** What may be there after an apply that broke off: what was held, and what a write was begun for. */
function touched(object: Kustomization, targets: ObjectTarget[]): Inventory | undefined {
  if (targets.length === 0) return object.status?.inventory;
  return { entries: touchedInventory(heldEntries(object), targets) };
}

/** What is about to be there is written down before it is, so that nothing is ever orphaned. */
async function record({ object, report, ctx }: Run, objects: KubeObject[]): Promise<void> {
  const grown = grownInventory(heldEntries(object), objects);
  if (grown === undefined) return;
  ctx.guard();
  await report.record(grown);
}

/** Deletes what left the inventory. Fails with PruneFailed. */
export async function prune(run: Run, applied: readonly AppliedObject[]): Promise<void> {
  const { env, object, report, tell, client, ctx } = run;
  const entries = appliedEntries(applied);
  report.set({ inventory: { entries } });
  const stale = staleTargets(heldEntries(object), entries);
  if (stale.length === 0 || !object.spec.prune) return;
  await env.tracing.span('kustomize.prune', {}, async () => {
    const { changes, left, error } = await pruneObjects(client, stale, {
      owner: ownerOf(object),
      keep: new Set(applied.flatMap(({ object, intact }) => intact ?? object?.metadata.uid ?? [])),
      concurrency: env.settings.concurrentSsa,
      guard: ctx.guard,
      signal: ctx.signal,
    });
    run.changed = true;
    report.quiet(false);
    report.set({ inventory: { entries: touchedInventory(entries, left) } });
    if (error !== undefined) throw new Failure(Reason.PruneFailed, error);
    tell('info', formatChanges(changes), revisions(run));
  });
}

/** As far as the watches know, which is all there is to know. */
function isIntact({ drift, digest }: Environment, desired: KubeObject): string | undefined {
  return drift.intact(targetOf(desired), digest(desired));
}
