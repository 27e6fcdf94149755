// The step that waits for `spec.dependsOn`, with what Flux's kustomize-controller says about it.
import {
  type Artifact,
  formatDuration,
  type Kustomization,
  Kustomization as kind,
} from '@weir/api';
import { type DependencyRules, evaluateReady, requireDependencies } from '@weir/reconcile';
import { sourceKey } from '@weir/sources';
import type { Run } from '../run.ts';

/** Fails with DependencyNotReady, and until the spec changes with AccessDenied and InvalidCELExpression. */
export async function requireReadyDependencies(run: Run, artifact: Artifact): Promise<void> {
  const { env, object } = run;
  const { noCrossNamespaceRefs, requeueDependencyMs: retryMs } = env.settings;
  const message = `Dependencies do not meet ready condition, retrying in ${formatDuration(retryMs)}`;
  await requireDependencies(object, dependencyRules(run, artifact), {
    ...{ waiters: env.waiters, retryMs, noCrossNamespaceRefs },
    event: () => ({ severity: 'info', message }),
  });
}

/** Where both use the same source, a dependency has to have applied the artifact that is about to be applied. */
export function dependencyRules(
  {
    env,
    object,
  }: { env: Pick<Run['env'], 'kustomizations' | 'pool' | 'settings'> } & Pick<Run, 'object'>,
  { revision }: Pick<Artifact, 'revision'>,
): DependencyRules<Kustomization> {
  const source = sourceKey(object.spec.sourceRef, object);
  return {
    kind,
    find: env.kustomizations.get,
    isReady: (expression, dep) => evaluateReady(env.pool, expression, { self: object, dep }),
    additive: env.settings.gates.AdditiveCELDependencyCheck,
    missing: (key) => `dependency '${key}' not found`,
    isUpToDate: (dependency) =>
      sourceKey(dependency.spec.sourceRef, dependency) !== source ||
      dependency.status?.lastAppliedRevision === revision,
  };
}
