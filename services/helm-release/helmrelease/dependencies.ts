// The step that waits for `spec.dependsOn`, with the messages of Flux's helm-controller.
import { type HelmRelease, HelmRelease as kind, Reason } from '@weir/api';
import { targetCluster } from '@weir/apply';
import {
  type DependencyRules,
  evaluateReady,
  requireDependencies,
  statusFunction,
} from '@weir/reconcile';
import type { BaseRun } from './run.ts';

/** Fails with DependencyNotReady; with AccessDenied or InvalidCELExpression, which stay until the spec changes. */
export async function requireReadyDependencies({ env, object }: BaseRun): Promise<void> {
  const { noCrossNamespaceRefs, requeueDependencyMs: retryMs, gates } = env.settings;
  // Dependencies are objects in the cluster of the HelmRelease, whatever cluster its chart is released to.
  const { client } = targetCluster(env.clusters.own, object, env.settings.defaultServiceAccount);
  const rules: DependencyRules<HelmRelease> = {
    kind,
    find: env.releases.get,
    isReady: (expression, dep) => evaluateReady(env.pool, expression, { self: object, dep }),
    additive: gates.AdditiveCELDependencyCheck,
    missing: (key) => `unable to get '${key}' dependency`,
    foreign: { client, status: statusFunction(env.pool, object) },
  };
  await requireDependencies(object, rules, {
    ...{ waiters: env.waiters, watches: env.dependencyWatches, retryMs, noCrossNamespaceRefs },
    event: (message) => ({ severity: 'info', reason: Reason.DependencyNotReady, message }),
  });
}
