// Waits for what an action applied, with libs/apply's health watches. A wait holds no worker, and ends when its result
// isn't needed any more.
import {
  type AppliedObject,
  areHealthy,
  type HealthTarget,
  isOwnedBy,
  type StatusFunction,
  vanishingJobs,
  waitForHealth,
} from '@weir/apply';
import type { KubeObject } from '@weir/kube';
import type { ActionRun } from '../action-run.ts';
import type { WaitSettings } from '../settings.ts';
import { interruptible } from './interruptible.ts';
import { failureOfLegacy, legacyStatus } from './legacy.ts';
import { hookStatus, isAwaitedHook, kindKey, withoutWaitingForJobs } from './statuses.ts';

/** How long CRDs may take to be served. Milliseconds. */
const CRD_MS = 60_000;

/** Waits until everything that was applied is ready. Rejects with Flux's message, or with Interrupted. */
export async function waitForObjects(
  run: ActionRun,
  applied: readonly AppliedObject[],
  { mode, jobs }: WaitSettings,
): Promise<void> {
  if (mode === 'none') return;
  const status = jobs ? statusOf(run) : withoutWaitingForJobs(statusOf(run));
  const waits = { timeoutMs: run.ctx.timeoutMs, failFast: true };
  if (mode === 'legacy') {
    return waitUntil(run, applied, legacyStatus(run, { jobs }), { ...waits, isLegacy: true });
  }
  return waitUntil(run, applied, status, waits);
}

/** Waits until CRDs are served. */
export async function waitForDefinitions(
  run: ActionRun,
  applied: readonly AppliedObject[],
  { mode }: WaitSettings,
): Promise<void> {
  if (mode === 'none') return;
  return waitUntil(run, applied, statusOf(run), { timeoutMs: CRD_MS, failFast: true });
}

/** Waits until a hook is done, whatever the wait settings; a failed one ends the wait. */
export async function waitForHook(
  run: ActionRun,
  applied: AppliedObject,
  { mode }: WaitSettings,
): Promise<void> {
  const isLegacy = mode === 'legacy';
  const expressed = isLegacy ? new Set<string>() : expressedKinds(run);
  if (!isAwaitedHook(applied.desired, expressed)) return;
  const status = hookStatus(statusOf(run), expressed);
  await waitUntil(run, [applied], status, {
    timeoutMs: run.ctx.timeoutMs,
    failFast: false,
    isLegacy,
  });
}

interface Wait {
  /** Milliseconds. */
  timeoutMs: number;
  failFast: boolean;
  isLegacy?: boolean;
}

async function waitUntil(
  run: ActionRun,
  applied: readonly AppliedObject[],
  status: StatusFunction,
  { timeoutMs, failFast, isLegacy = false }: Wait,
): Promise<void> {
  const { cluster } = run.ctx;
  const targets = applied.flatMap((one) => healthTarget(run, one));
  if (targets.length === 0 || (await areHealthy(targets, status))) return noteHealthy(run, targets);
  const vanishing = vanishingJobs(applied.map(({ desired }) => desired));
  const labels = Object.entries(run.owner.labels).map((pair) => pair.join('='));
  const areLabelled = applied.every(({ desired }) => isOwnedBy(desired, run.owner));
  const health = await interruptible(run, (signal) =>
    waitForHealth(cluster, targets, {
      status,
      timeoutMs,
      failFast,
      vanishing,
      expressed: expressedKinds(run),
      // Hooks may have no labels of the HelmRelease, and neither has what the helm CLI has made.
      ...(areLabelled ? { labelSelector: labels.join(',') } : {}),
      signal,
    }),
  );
  if (!health.healthy) throw new Error(isLegacy ? failureOfLegacy(health) : health.message);
  for (const { target, resourceVersion } of health.results) {
    if (resourceVersion !== undefined) cluster.drift.markHealthy(target, resourceVersion);
  }
}

/** Undefined for what needs no wait: a Deployment that is paused, and an object that is surely as healthy as before. */
function healthTarget(
  { ctx }: ActionRun,
  { change, desired, object }: AppliedObject,
): HealthTarget[] {
  if (kindKey(desired) === 'apps/Deployment' && isPaused(desired)) return [];
  const target = { ...change.id, version: change.version };
  if (object === undefined) return ctx.cluster.drift.isHealthy(target) ? [] : [{ target }];
  return [{ target, object }];
}

function isPaused({ spec }: KubeObject): boolean {
  return (spec as { paused?: unknown } | undefined)?.paused === true;
}

function noteHealthy({ ctx }: ActionRun, targets: readonly HealthTarget[]): void {
  for (const { target, object } of targets) {
    const { resourceVersion } = object?.metadata ?? {};
    if (resourceVersion !== undefined) ctx.cluster.drift.markHealthy(target, resourceVersion);
  }
}

function statusOf({ ctx, engine }: ActionRun): StatusFunction {
  const { healthCheckExprs = [] } = ctx.object.spec;
  const checks = healthCheckExprs.length === 0 ? undefined : healthCheckExprs;
  return (objects) => ctx.pool.status(objects, { tenant: engine.tenant, checks });
}

function expressedKinds({ ctx }: ActionRun): Set<string> {
  const { healthCheckExprs = [] } = ctx.object.spec;
  return new Set(
    healthCheckExprs.map(({ apiVersion, kind = '' }) => kindKey({ apiVersion, kind })),
  );
}
