// What starts runs of objects that are applied to other clusters.
import type { TargetCluster } from '@weir/apply';
import type { Controller, Informer } from '@weir/controller';
import { type KubeObject, objectKey } from '@weir/kube';
import type { Clusters } from './clusters.ts';

/** The cause of a run after a change of the Secret or ConfigMap that leads to its cluster. */
export const KUBECONFIG = 'kubeconfig';

/**
 * A change of a Secret or ConfigMap starts a run of the objects whose cluster it leads to, and ends their waits,
 * because with the old credentials these may never end. Returns a function that ends the subscription.
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
