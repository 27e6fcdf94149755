// The step that waits for `spec.dependsOn`, with the messages of Flux's kustomize-controller.
import {
  type Artifact,
  formatDuration,
  type Kustomization,
  Kustomization as kind,
} from '@weir/api';
import { targetCluster } from '@weir/apply';
import {
  type DependencyRules,
  evaluateReady,
  requireDependencies,
  statusFunction,
} from '@weir/reconcile';
import { sourceKey } from '@weir/sources';
import type { Run } from '../run.ts';

/** Fails with DependencyNotReady; with AccessDenied or InvalidCELExpression, which stay until the spec changes. */
export async function requireReadyDependencies(run: Run, artifact: Artifact): Promise<void> {
  const { env, object } = run;
  const { noCrossNamespaceRefs, requeueDependencyMs: retryMs } = env.settings;
  const message = `Dependencies do not meet ready condition, retrying in ${formatDuration(retryMs)}`;
  await requireDependencies(object, dependencyRules(run, artifact), {
    ...{ waiters: env.waiters, watches: env.dependencyWatches, retryMs, noCrossNamespaceRefs },
    event: () => ({ severity: 'info', message }),
  });
}

/** The parts of a run that decide whether its dependencies are ready. */
type DependencyContext = {
  env: Pick<Run['env'], 'kustomizations' | 'pool' | 'settings' | 'clusters'>;
} & Pick<Run, 'object'>;

/** When both use the same source, a dependency must have applied the artifact that this run is about to apply. */
export function dependencyRules(
  { env, object }: DependencyContext,
  { revision }: Pick<Artifact, 'revision'>,
): DependencyRules<Kustomization> {
  const source = sourceKey(object.spec.sourceRef, object);
  // Dependencies are objects in the cluster of the Kustomization, whatever cluster it is applied to.
  const { client } = targetCluster(env.clusters.own, object, env.settings.defaultServiceAccount);
  return {
    kind,
    find: env.kustomizations.get,
    isReady: (expression, dep) => evaluateReady(env.pool, expression, { self: object, dep }),
    additive: env.settings.gates.AdditiveCELDependencyCheck,
    missing: (key) => `dependency '${key}' not found`,
    foreign: { client, status: statusFunction(env.pool, object) },
    isUpToDate: (dependency) =>
      sourceKey(dependency.spec.sourceRef, dependency) !== source ||
      dependency.status?.lastAppliedRevision === revision,
  };
}
