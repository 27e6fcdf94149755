// The step that waits for `spec.dependsOn`, with what Flux's helm-controller says about it.
import { type HelmRelease, HelmRelease as kind, Reason } from '@weir/api';
import { targetCluster } from '@weir/apply';
import {
  type DependencyRules,
  evaluateReady,
  requireDependencies,
  statusFunction,
} from '@weir/reconcile';
import type { BaseRun } from './run.ts';

/** Fails with DependencyNotReady, and until the spec changes with AccessDenied and InvalidCELExpression. */
export async function requireReadyDependencies({ env, object }: BaseRun): Promise<void> {
  const { noCrossNamespaceRefs, requeueDependencyMs: retryMs, gates } = env.settings;
  // What is waited for is where the HelmRelease is, whatever cluster its chart is released to.
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
