import type { Informer, ReconcileContext } from '@weir/controller';
import { isNotFound, type KubeClient, type KubeObject, type ResourceType } from '@weir/kube';

/**
 * The newest state of an object: from the watch, or read again if another replica owned it a moment ago and may have
 * written what the watch has yet to show. Undefined when the object is gone.
 */
export async function newestOf<T extends KubeObject>(
  object: T,
  { causes }: Pick<ReconcileContext, 'causes'>,
  from: { client: KubeClient; kind: ResourceType; informer: Pick<Informer<T>, 'observe'> },
): Promise<T | undefined> {
  if (!causes.has('gained')) return object;
  const { namespace = '', name } = object.metadata;
  try {
    const newest = await from.client.get<T>(from.kind, { namespace, name });
    from.informer.observe(newest);
    return newest;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
