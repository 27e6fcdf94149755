// The objects that the health check is about.
import type { Kustomization } from '@weir/api';
import {
  type AppliedObject,
  type HealthTarget,
  inventoryId,
  type ObjectTarget,
  type TargetCluster,
  targetOf,
  vanishingJobs,
} from '@weir/apply';
import { isApiError, isNoMatch, type KubeClient, objectKey, parseApiVersion } from '@weir/kube';

/** The objects that a Kustomization has in the cluster. */
export interface HeldObjects {
  objects: readonly Pick<AppliedObject, 'change' | 'object'>[];
  /** Inventory ids of Jobs that delete themselves when they are done. */
  vanishing: ReadonlySet<string>;
}

/** The objects that were just applied. */
export function heldAfterApply(applied: readonly AppliedObject[]): HeldObjects {
  return { objects: applied, vanishing: vanishingJobs(applied.map(({ desired }) => desired)) };
}

/** The objects that the drift watch knows, for a run in which nothing was applied because nothing had changed. */
export function heldBefore({ drift }: TargetCluster, object: Kustomization): HeldObjects {
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
 * The objects to wait for, of all that were applied or that the spec names. Those that were healthy and have not
 * changed since are left out, and so is the Kustomization itself. Undefined when no health check is asked for.
 */
export async function healthTargets(
  { client, drift }: TargetCluster,
  object: Kustomization,
  held: HeldObjects,
): Promise<HealthTarget[] | undefined> {
  const targets = await allTargets(client, object, held);
  if (targets.length === 0) return undefined;
  const unknown = targets.filter(
    (target) => target.object !== undefined || !drift.isHealthy(target.target),
  );
  return Promise.all(unknown.map((target) => withObject(client, target)));
}

/** Adds the current state of the object. An object that can't be read is left to the wait, which says why. */
async function withObject(
  client: KubeClient,
  { target, object }: HealthTarget,
): Promise<HealthTarget> {
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
  { objects }: HeldObjects,
): Promise<HealthTarget[]> {
  const targets = object.spec.wait
    ? objects
        .filter(({ change }) => change.action !== 'skipped')
        .map(({ change, object }) => ({
          target: { ...change.id, version: change.version },
          ...(object === undefined ? {} : { object }),
        }))
    : await namedTargets(client, object);
  const self = inventoryId(targetOf(object));
  return targets.filter(({ target }) => inventoryId(target) !== self);
}

function namedTargets(client: KubeClient, object: Kustomization): Promise<HealthTarget[]> {
  const { namespace: own = '' } = object.metadata;
  const references = object.spec.healthChecks ?? [];
  return Promise.all(
    references.map(async ({ apiVersion = 'apps/v1', kind, name, namespace }) => {
      const target: ObjectTarget = { ...parseApiVersion(apiVersion), kind, name, namespace: own };
      return { target: { ...target, namespace: namespace ?? (await placeFor(client, target)) } };
    }),
  );
}

/** A reference without a namespace is about the Kustomization's own namespace, unless its kind is not namespaced. */
async function placeFor(client: KubeClient, target: ObjectTarget): Promise<string> {
  try {
    const { namespaced } = await client.discovery.resourceFor(target);
    return namespaced ? target.namespace : '';
  } catch (error) {
    if (isNoMatch(error)) return target.namespace;
    throw error;
  }
}
