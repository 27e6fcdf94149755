// `spec.dependsOn`: what has to be ready before this Kustomization is applied.
import {
  type Artifact,
  findCondition,
  type Kustomization,
  READY,
  Reason,
  resolveReference,
} from '@weir/api';
import { objectKey } from '@weir/kube';
import type { Evaluation } from '@weir/render';
import { Failure } from '../status/failure.ts';

/** `<namespace>/<name>` of every Kustomization that this one depends on. */
export function dependencyKeys(object: Kustomization): string[] {
  return (object.spec.dependsOn ?? []).map((reference) =>
    objectKey(resolveReference(reference, object)),
  );
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
      sourceKey(dependency) === sourceKey(object) &&
      dependency.status?.lastAppliedRevision !== artifact.revision
    ) {
      return `dependency '${key}' revision is not up to date`;
    }
  }
  return undefined;
}

/**
 * The Failure of a Kustomization that waits for its dependencies. A loop is a mistake and told as one:
 * waiting would not end it.
 */
export function dependencyFailure(
  waitsFor: string,
  retryMs: number,
  retryText: string,
  loop?: string,
): Failure {
  if (loop !== undefined) {
    const message = `${waitsFor}: ${loop}`;
    const event = { severity: 'error' as const, message };
    return new Failure(Reason.DependencyNotReady, message, { retryMs, event });
  }
  return new Failure(Reason.DependencyNotReady, waitsFor, {
    retryMs,
    brief: true,
    event: {
      severity: 'info',
      message: `Dependencies do not meet ready condition, retrying in ${retryText}`,
    },
  });
}

/** `<kind>/<namespace>/<name>` of the source. */
export function sourceKey(object: Kustomization): string {
  const { sourceRef } = object.spec;
  return `${sourceRef.kind}/${objectKey(resolveReference(sourceRef, object))}`;
}

function isReadyNow({ metadata, status }: Kustomization): boolean {
  return (
    metadata.generation === status?.observedGeneration &&
    findCondition(status?.conditions, READY)?.status === 'True'
  );
}
