// What makes objects run that are applied to other clusters.
import type { TargetCluster } from '@weir/apply';
import type { Controller, Informer } from '@weir/controller';
import { type KubeObject, objectKey } from '@weir/kube';
import type { Clusters } from './clusters.ts';

/** The cause of a run after the Secret or ConfigMap changed that leads to its cluster. */
export const KUBECONFIG = 'kubeconfig';

/**
 * A Secret or ConfigMap that changed wakes the objects that it leads to their cluster, and ends what they wait for there: with the
 * old credentials that may never come. What is gone names no cluster any more. Returns the way to end that.
 */
export function onClusters<T extends KubeObject, C extends TargetCluster>({
  clusters,
  informer,
  controller,
}: {
  clusters: Pick<Clusters<C>, 'onChange' | 'leave'>;
  informer: Pick<Informer<T>, 'onChange'>;
  controller: Pick<Controller, 'enqueue'>;
}): () => void {
  const stops = [
    clusters.onChange((key, subject) =>
      controller.enqueue(key, { cause: KUBECONFIG, interrupt: true, subject }),
    ),
    informer.onChange(({ type, object }) => {
      if (type === 'deleted') clusters.leave(objectKey(object));
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
