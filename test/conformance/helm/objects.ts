// The objects that fixtures of HelmReleases speak of, as far as the player reads them.
import type { HelmReleaseStatus } from '@weir/api';
import type { KubeClient, KubeObject } from '@weir/kube';

/** The annotation by which a HelmRelease is asked to forget its failures. */
export const RESET_REQUEST = 'reconcile.fluxcd.io/resetAt';

/** The status of a HelmRelease; empty before the first reconcile. */
export function statusOf(object: KubeObject): HelmReleaseStatus {
  return (object.status ?? {}) as HelmReleaseStatus;
}

/** The path of a resource that fixtures write as `<plural>` or `<group>/<version>/<plural>`. */
export function pathOf(resource: string, namespace: string): string {
  const parts = resource.split('/');
  const plural = parts.pop() ?? '';
  const api = parts.length === 0 ? '/api/v1' : `/apis/${parts.join('/')}`;
  return `${api}/namespaces/${namespace}/${plural}`;
}

/** The objects of a resource in a namespace; none when the cluster does not serve the resource. */
export async function listAt(client: KubeClient, path: string): Promise<KubeObject[]> {
  const list = await readAt<{ items: KubeObject[] }>(client, path);
  return list?.items ?? [];
}

/** Reads the object at a path; undefined if there is none. */
export async function readAt<T>(client: KubeClient, path: string): Promise<T | undefined> {
  try {
    return await client.request<T>({ method: 'GET', path });
  } catch (error) {
    if ((error as { status?: number }).status === 404) return undefined;
    throw error;
  }
}
