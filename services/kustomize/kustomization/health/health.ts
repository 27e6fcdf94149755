// Health of what was applied: `spec.wait`, or the objects that `spec.healthChecks` names.
import { formatDuration, HEALTHY, type Kustomization, READY, Reason } from '@weir/api';
import {
  type AppliedObject,
  type Health,
  type HealthTarget,
  inventoryId,
  type ObjectTarget,
  ownerLabels,
  targetOf,
  waitForHealth,
} from '@weir/apply';
import {
  isApiError,
  isNoMatch,
  type KubeClient,
  type KubeObject,
  objectKey,
  parseApiVersion,
} from '@weir/kube';
import type { Environment } from '../environment.ts';
import { GROUP } from '../environment.ts';
import { statusFunction } from './expressions.ts';
import { Failure } from '../status/failure.ts';
import type { Report } from '../status/status-report.ts';
import { timeoutMs } from '../timing.ts';

/** What the Kustomization holds, as far as health goes. */
export interface Standing {
  objects: readonly Pick<AppliedObject, 'change' | 'object'>[];
  /** Inventory ids of Jobs that delete themselves when they are done. */
  vanishing: ReadonlySet<string>;
}

export function standingOf(applied: readonly AppliedObject[]): Standing {
  return { objects: applied, vanishing: vanishingJobs(applied.map(({ desired }) => desired)) };
}

/** The same, where nothing was applied as nothing had changed. */
export function knownStanding({ drift }: Environment, object: Kustomization): Standing {
  const known = drift.lastApplied(objectKey(object)).map(({ type, namespace, name, mayVanish }) => {
    const { group, kind, version } = type;
    const id = { group, kind, namespace, name };
    return { change: { id, version, action: 'unchanged' as const }, mayVanish };
  });
  const vanishing = known.flatMap(({ change, mayVanish }) =>
    mayVanish ? inventoryId(change.id) : [],
  );
  return { objects: known, vanishing: new Set(vanishing) };
}

/**
 * What is to be waited for, of everything applied or of what the spec names: not what was healthy and
 * hasn't changed since, and never the object itself. Undefined when no health is asked for.
 */
export async function healthTargets(
  { drift }: Environment,
  client: KubeClient,
  object: Kustomization,
  standing: Standing,
): Promise<HealthTarget[] | undefined> {
  const targets = await allTargets(client, object, standing);
  if (targets.length === 0) return undefined;
  const unknown = targets.filter(
    (target) => target.object !== undefined || !drift.isHealthy(target.target),
  );
  return Promise.all(unknown.map((target) => seen(client, target)));
}

/** With the object as it is now; what can't be read is left to the wait, which says why. */
async function seen(client: KubeClient, { target, object }: HealthTarget): Promise<HealthTarget> {
  if (object !== undefined) return { target, object };
  try {
    const type = await client.discovery.resourceFor(target);
    return { target, object: await client.get(type, target) };
  } catch (error) {
    if (isApiError(error) || isNoMatch(error)) return { target };
    throw error;
  }
}

async function allTargets(
  client: KubeClient,
  object: Kustomization,
  { objects }: Standing,
): Promise<HealthTarget[]> {
  const targets = object.spec.wait
    ? objects
        .filter(({ change }) => change.action !== 'skipped')
        .map(({ change, object }) => ({
          target: { ...change.id, version: change.version },
          ...(object === undefined ? {} : { object }),
        }))
    : await named(client, object);
  const self = inventoryId(targetOf(object));
  return targets.filter(({ target }) => inventoryId(target) !== self);
}

/**
 * Waits, and puts the result into the Healthy condition. Throws a Failure for what isn't healthy in time.
 * Rejects with the signal's reason when that aborts. Returns how long it took, in ms.
 */
export async function awaitHealth(
  env: Environment,
  object: Kustomization,
  input: {
    client: KubeClient;
    targets: HealthTarget[];
    vanishing: ReadonlySet<string>;
    signal: AbortSignal;
  },
  report: Report,
): Promise<number> {
  const { client, targets, vanishing, signal } = input;
  const started = performance.now();
  const labels = Object.entries(ownerLabels({ group: GROUP, ...nameOf(object) }));
  const health: Health = await waitForHealth(client, targets, {
    status: statusFunction(env.pool, object),
    timeoutMs: timeoutMs(object),
    failFast: !env.settings.gates.DisableFailFastBehavior,
    vanishing,
    watched: env.drift,
    expressed: new Set(object.spec.healthCheckExprs?.map(kindOf)),
    ...(object.spec.wait ? { labelSelector: labels.map((pair) => pair.join('=')).join(',') } : {}),
    signal,
  });
  const elapsed = performance.now() - started;
  if (!health.healthy) {
    const reason = Reason.HealthCheckFailed;
    report.mark(HEALTHY, { status: 'False', reason, message: health.message });
    const message = `health check failed after ${formatDuration(elapsed)}: ${health.message}`;
    report.mark(READY, { status: 'False', reason, message });
    throw new Failure(reason, message);
  }
  for (const { target, resourceVersion } of health.results) {
    if (resourceVersion !== undefined) env.drift.markHealthy(target, resourceVersion);
  }
  const message = `Health check passed in ${formatDuration(elapsed)}`;
  report.mark(HEALTHY, { status: 'True', reason: Reason.Succeeded, message });
  return elapsed;
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

function kindOf({ apiVersion, kind = '' }: { apiVersion: string; kind?: string }): string {
  return `${parseApiVersion(apiVersion).group}/${kind}`;
}

function nameOf({ metadata }: Kustomization): { name: string; namespace: string } {
  return { name: metadata.name, namespace: metadata.namespace ?? '' };
}

function named(client: KubeClient, object: Kustomization): Promise<HealthTarget[]> {
  const { namespace: own = '' } = object.metadata;
  const references = object.spec.healthChecks ?? [];
  return Promise.all(
    references.map(async ({ apiVersion = 'apps/v1', kind, name, namespace }) => {
      const target: ObjectTarget = { ...parseApiVersion(apiVersion), kind, name, namespace: own };
      return { target: { ...target, namespace: namespace ?? (await placeFor(client, target)) } };
    }),
  );
}

/** A reference without a namespace means the Kustomization's own, unless its kind has none. */
async function placeFor(client: KubeClient, target: ObjectTarget): Promise<string> {
  try {
    const { namespaced } = await client.discovery.resourceFor(target);
    return namespaced ? target.namespace : '';
  } catch (error) {
    if (isNoMatch(error)) return target.namespace;
    throw error;
  }
}
