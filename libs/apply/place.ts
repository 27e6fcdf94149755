// Finds the kind of an object as the API server serves it, and gives the object the namespace that this kind takes.
import type { DiscoveredResource, KubeClient, KubeObject } from '@weir/kube';

export interface PlacedObject {
  object: KubeObject;
  type: DiscoveredResource;
}

/**
 * The object with the namespace that its kind takes: none for a kind of the cluster, else its own or the default.
 * Rejects with NoMatchError for a kind that the server doesn't have.
 */
export async function placeObject(
  client: KubeClient,
  object: KubeObject,
  defaultNamespace: string | undefined,
): Promise<PlacedObject> {
  const type = await client.discovery.resourceForKind(object.apiVersion, object.kind);
  const { namespace: own, ...metadata } = object.metadata;
  const namespace = type.namespaced ? own || defaultNamespace : undefined;
  if (namespace === own) return { object, type };
  return {
    type,
    object: { ...object, metadata: namespace ? { ...metadata, namespace } : metadata },
  };
}
