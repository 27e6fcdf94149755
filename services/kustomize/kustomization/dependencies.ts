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
import { Failure } from './failure.ts';

/** `<namespace>/<name>` of every Kustomization that this one depends on. */
export function dependencyKeys(object: Kustomization): string[] {
  return (object.spec.dependsOn ?? []).map((reference) =>
    objectKey(resolveReference(reference, object)),
  );
}

/**
 * Why a dependency isn't ready yet, in Flux's words; undefined when all are. A dependency is ready when
 * its Ready condition is True for its present generation and, where both use the same source, for the
 * artifact that is about to be applied.
 */
export function unreadyDependency(
  object: Kustomization,
  artifact: Artifact,
  find: (key: string) => Kustomization | undefined,
): string | undefined {
  for (const key of dependencyKeys(object)) {
    const dependency = find(key);
    if (dependency === undefined) {
      const { name } = splitKey(key);
      return `dependency '${key}' not found: kustomizations.kustomize.toolkit.fluxcd.io "${name}" not found`;
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

/** The Failure of a Kustomization that waits for its dependencies. */
export function dependencyFailure(message: string, retryMs: number, retryText: string): Failure {
  return new Failure(Reason.DependencyNotReady, message, {
    retryMs,
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

function splitKey(key: string): { namespace: string; name: string } {
  const [namespace = '', name = ''] = key.split('/');
  return { namespace, name };
}
