// As whom, and where, a Kustomization acts.
import type { Kustomization } from '@weir/api';
import { actingAs, type TargetCluster } from '@weir/apply';
import { isNotFound, type KubeClient, ServiceAccount, serviceAccountUser } from '@weir/kube';

/** The ServiceAccount to act as, or undefined for the service's own rights. */
export function accountName(object: Kustomization, defaultAccount: string): string | undefined {
  return object.spec.serviceAccountName || defaultAccount || undefined;
}

/**
 * The cluster for everything that concerns the Kustomization's objects: apply, delete, health, drift. `own` is the
 * cluster that the service runs in, with the service's rights.
 */
export function targetCluster(
  own: TargetCluster,
  object: Kustomization,
  defaultAccount: string,
): TargetCluster {
  const name = accountName(object, defaultAccount);
  if (name === undefined) return own;
  return actingAs(own, serviceAccountUser(object.metadata.namespace ?? '', name));
}

/** False if the ServiceAccount to act as is gone. */
export async function accountExists(
  client: KubeClient,
  object: Kustomization,
  defaultAccount: string,
): Promise<boolean> {
  const name = accountName(object, defaultAccount);
  if (name === undefined) return true;
  const { namespace = '' } = object.metadata;
  try {
    await client.get(ServiceAccount, { namespace, name });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
