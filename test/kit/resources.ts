import { findCondition, GitRepository, Kustomization } from '@weir/api';
import type { KubeObject } from '@weir/kube';

type Spec = Record<string, unknown>;
type Conditions = Parameters<typeof findCondition>[0];

/** A GitRepository of `url`. Its interval is an hour, so that in a test it is fetched only when asked for. */
export function gitRepository(
  namespace: string,
  name: string,
  url: string,
  spec: Spec = {},
): KubeObject {
  return {
    apiVersion: GitRepository.apiVersion,
    kind: 'GitRepository',
    metadata: { namespace, name },
    spec: { interval: '1h', url, ref: { branch: 'main' }, ...spec },
  };
}

/** A Kustomization of the GitRepository `source` in the same namespace. */
export function kustomization(
  namespace: string,
  name: string,
  source: string,
  spec: Spec = {},
): KubeObject {
  return {
    apiVersion: Kustomization.apiVersion,
    kind: 'Kustomization',
    metadata: { namespace, name },
    spec: {
      interval: '1h',
      retryInterval: '1h',
      path: './',
      prune: true,
      sourceRef: { kind: 'GitRepository', name: source },
      ...spec,
    },
  };
}

/** The condition Ready of a Flux object; undefined when it belongs to an older generation of the spec. */
export function readyOf(object: KubeObject) {
  const { conditions, observedGeneration } = (object.status ?? {}) as {
    conditions?: Conditions;
    observedGeneration?: number;
  };
  const ready = findCondition(conditions, 'Ready');
  const current = (ready?.observedGeneration ?? observedGeneration) === object.metadata.generation;
  return current ? ready : undefined;
}

/** A check for `wait`: Ready is True, and its message contains `revision` where that is given. */
export function isReady(revision?: string) {
  return (object: KubeObject) => {
    const ready = readyOf(object);
    return ready?.status === 'True' && (!revision || ready.message.includes(revision));
  };
}

/** A check for `wait`: Ready is False with this reason and a message that matches. */
export function isFailed(reason: string, message: RegExp = /./) {
  return (object: KubeObject) => {
    const ready = readyOf(object);
    return ready?.status === 'False' && ready.reason === reason && message.test(ready.message);
  };
}
