// The account that an object acts as on the cluster.
import {
  isNotFound,
  type KubeClient,
  type KubeObject,
  ServiceAccount,
  serviceAccountUser,
} from '@weir/kube';
import { actingAs, type TargetCluster } from './cluster.ts';

/** An object whose spec may name a ServiceAccount of its namespace. */
export type Acting = KubeObject & { spec: { serviceAccountName?: string } };

/** The ServiceAccount to act as, or undefined for the service's own rights. */
export function accountName(object: Acting, defaultAccount: string): string | undefined {
  return object.spec.serviceAccountName || defaultAccount || undefined;
}

/**
 * The cluster for everything that concerns what the object applies: apply, delete, health, drift. `own` is that
 * cluster with the rights of the service, or of the credentials that lead to it.
 */
export function targetCluster<C extends TargetCluster>(
  own: C,
  object: Acting,
  defaultAccount: string,
): C {
  const name = accountName(object, defaultAccount);
  if (name === undefined) return own;
  return actingAs(own, serviceAccountUser(object.metadata.namespace ?? '', asSent(name)));
}

/**
 * The name without characters that a header must not have. A name with control characters belongs to no account, and
 * neither does what is sent in its place: the API server refuses it, and the object reports that.
 */
function asSent(name: string): string {
  return name.replace(/\p{Cc}/gu, '\uFFFD');
}

/** False if the ServiceAccount to act as is gone. */
export async function accountExists(
  client: KubeClient,
  object: Acting,
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
