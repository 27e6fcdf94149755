// The step that waits for the health of what was applied: `spec.wait`, or the objects that `spec.healthChecks` names.
import { type Artifact, formatDuration, HEALTHY, type Kustomization, Reason } from '@weir/api';
import { areHealthy, type HealthTarget, ownerLabels, waitForHealth } from '@weir/apply';
import { parseApiVersion } from '@weir/kube';
import { dropStates, Failure, setState, statusFunction } from '@weir/reconcile';
import { GROUP } from '../environment.ts';
import { type ClusterRun, revisionsOf } from '../run.ts';
import { timeoutMs } from '../timing.ts';
import { type HeldObjects, healthTargets } from './targets.ts';

/**
 * Waits until everything is healthy, without holding a worker. `changed` says whether the run changed something in the
 * cluster. Fails with HealthCheckFailed when something is not healthy in time.
 */
export async function requireHealth(
  run: ClusterRun,
  artifact: Artifact,
  held: HeldObjects,
  { changed }: { changed: boolean },
): Promise<void> {
  const { env, object, status, events, cluster, ctx } = run;
  const targets = await healthTargets(cluster, object, held);
  if (targets === undefined) {
    status.update((it) => dropStates(it, [HEALTHY]));
    return;
  }
  const { revision } = artifact;
  const before = status.condition(HEALTHY);
  const check = () => awaitHealth(run, targets, held.vanishing);
  await env.tracing.span('kustomize.health', {}, async () => {
    if (await areHealthy(targets, statusFunction(env.pool, object))) return check();
    const limit = formatDuration(timeoutMs(object));
    const message = `Running health checks for revision ${revision} with a timeout of ${limit}`;
    const checking = { status: 'Unknown', reason: Reason.Progressing, message } as const;
    status.update((it) => setState(it, HEALTHY, checking));
    status.quiet(false);
    status.progress(message);
    return ctx.waiting(check);
  });
  const isNewRevision = revision !== object.status?.lastAppliedRevision;
  const after = status.condition(HEALTHY);
  if (before?.status === 'True' && !(isNewRevision && changed)) {
    // Nothing changed, so the message of before stays: how long the check took is of no interest.
    if (!changed) status.update((it) => setState(it, HEALTHY, before));
  } else {
    events.publish('info', after?.message ?? '', revisionsOf(artifact));
  }
}

/** Waits, and puts the result into the Healthy condition. Rejects with the reason of the signal that ends the wait. */
async function awaitHealth(
  { env, object, status, cluster, ctx }: ClusterRun,
  targets: HealthTarget[],
  vanishing: ReadonlySet<string>,
): Promise<void> {
  const started = performance.now();
  const health = await waitForHealth(cluster, targets, {
    status: statusFunction(env.pool, object),
    timeoutMs: timeoutMs(object),
    failFast: !env.settings.gates.DisableFailFastBehavior,
    vanishing,
    expressed: new Set(object.spec.healthCheckExprs?.map(kindOf)),
    ...(object.spec.wait ? { labelSelector: ownerSelector(object) } : {}),
    signal: AbortSignal.any([ctx.signal, ctx.superseded]),
  });
  const took = formatDuration(performance.now() - started);
  if (!health.healthy) {
    const { message } = health;
    const reason = Reason.HealthCheckFailed;
    status.update((it) => setState(it, HEALTHY, { status: 'False', reason, message }));
    throw new Failure(reason, `health check failed after ${took}: ${message}`);
  }
  for (const { target, resourceVersion } of health.results) {
    if (resourceVersion !== undefined) cluster.drift.markHealthy(target, resourceVersion);
  }
  const message = `Health check passed in ${took}`;
  const passed = { status: 'True', reason: Reason.Succeeded, message } as const;
  status.update((it) => setState(it, HEALTHY, passed));
}

function kindOf({ apiVersion, kind = '' }: { apiVersion: string; kind?: string }): string {
  return `${parseApiVersion(apiVersion).group}/${kind}`;
}

/** Selects everything that the Kustomization applied. */
function ownerSelector({ metadata }: Kustomization): string {
  const { name, namespace = '' } = metadata;
  const labels = Object.entries(ownerLabels({ group: GROUP, name, namespace }));
  return labels.map((pair) => pair.join('=')).join(',');
}
