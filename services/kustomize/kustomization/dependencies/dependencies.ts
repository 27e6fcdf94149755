// `spec.dependsOn`: what has to be ready before this Kustomization is applied.
import {
  type Artifact,
  findCondition,
  formatDuration,
  type Kustomization,
  READY,
  Reason,
  resolveReference,
} from '@weir/api';
import { objectKey } from '@weir/kube';
import { Failure } from '@weir/reconcile';
import type { Evaluation } from '@weir/render';
import { sourceKey } from '@weir/sources';
import { evaluateReady } from '../health/expressions.ts';
import type { Run } from '../run.ts';
import { describeLoop, findLoop } from './loops.ts';

/**
 * The step that waits for `spec.dependsOn`. Fails with DependencyNotReady; a change of a dependency then wakes the
 * Kustomization. Fails until the spec changes with AccessDenied and InvalidCELExpression.
 */
export async function requireDependencies({ env, object }: Run, artifact: Artifact): Promise<void> {
  if ((object.spec.dependsOn ?? []).length === 0) return;
  const { noCrossNamespaceRefs, gates, requeueDependencyMs: retryMs } = env.settings;
  const refused = noCrossNamespaceRefs ? refusedExpression(object) : undefined;
  if (refused !== undefined) throw new Failure(Reason.AccessDenied, refused, { stalled: true });
  const key = objectKey(object);
  // Before any dependency is looked at, so that no change of one is missed.
  env.waiters.forDependency(key);
  const message = await unreadyDependency(object, artifact, {
    find: env.kustomizations.get,
    isReady: (expression, dep) => evaluateReady(env.pool, expression, { self: object, dep }),
    additive: gates.AdditiveCELDependencyCheck,
  });
  if (message === undefined) {
    env.waiters.done(key);
    return;
  }
  const loop = findLoop(object, env.kustomizations.get);
  throw dependencyFailure(message, retryMs, loop && describeLoop(loop));
}

/**
 * Why an expression of `dependsOn` may not be evaluated where references stay within their namespace: the result and
 * the errors of an expression say what the fields of the other object hold. Undefined when all may.
 */
export function refusedExpression(object: Kustomization): string | undefined {
  for (const reference of object.spec.dependsOn ?? []) {
    const { namespace, name } = resolveReference(reference, object);
    if ((reference.readyExpr ?? '') === '' || namespace === object.metadata.namespace) continue;
    return `can't evaluate readyExpr over 'Kustomization/${namespace}/${name}', cross-namespace references have been blocked`;
  }
  return undefined;
}

export interface DependencyRules {
  find(key: string): Kustomization | undefined;
  /** Answers a `readyExpr` about a dependency. */
  isReady(expression: string, dependency: Kustomization): Promise<Evaluation>;
  /** A dependency with a `readyExpr` has to be ready by the usual rules too (AdditiveCELDependencyCheck). */
  additive: boolean;
}

/**
 * Why a dependency isn't ready yet, in Flux's words; undefined when all are. A dependency is ready when
 * its `readyExpr` says so; without one, when its Ready condition is True for its present generation and,
 * where both use the same source, for the artifact that is about to be applied.
 */
export async function unreadyDependency(
  object: Kustomization,
  artifact: Artifact,
  rules: DependencyRules,
): Promise<string | undefined> {
  for (const reference of object.spec.dependsOn ?? []) {
    const key = objectKey(resolveReference(reference, object));
    const dependency = rules.find(key);
    if (dependency === undefined) {
      const { name } = reference;
      return `dependency '${key}' not found: kustomizations.kustomize.toolkit.fluxcd.io "${name}" not found`;
    }
    const { readyExpr = '' } = reference;
    if (readyExpr !== '') {
      const { value, error } = await rules.isReady(readyExpr, dependency);
      if (error !== undefined) return error;
      if (!value) return `dependency '${key}' is not ready according to readyExpr eval`;
      if (!rules.additive) continue;
    }
    if (!isReadyNow(dependency)) return `dependency '${key}' is not ready`;
    if (
      hasSameSource(dependency, object) &&
      dependency.status?.lastAppliedRevision !== artifact.revision
    ) {
      return `dependency '${key}' revision is not up to date`;
    }
  }
  return undefined;
}

/** A loop is a mistake, and its event says so: no wait would end it. */
function dependencyFailure(message: string, retryMs: number, loop: string | undefined): Failure {
  if (loop !== undefined) {
    const named = `${message}: ${loop}`;
    const event = { severity: 'error' as const, message: named };
    return new Failure(Reason.DependencyNotReady, named, { retryMs, event });
  }
  return new Failure(Reason.DependencyNotReady, message, {
    retryMs,
    brief: true,
    event: {
      severity: 'info',
      message: `Dependencies do not meet ready condition, retrying in ${formatDuration(retryMs)}`,
    },
  });
}

function hasSameSource(a: Kustomization, b: Kustomization): boolean {
  return sourceKey(a.spec.sourceRef, a) === sourceKey(b.spec.sourceRef, b);
}

function isReadyNow({ metadata, status }: Kustomization): boolean {
  return (
    metadata.generation === status?.observedGeneration &&
    findCondition(status?.conditions, READY)?.status === 'True'
  );
}
