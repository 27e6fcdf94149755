// The cluster that objects are applied to, as one handle. Functions that apply, prune, wait for health or look for drift take
// this handle, so that none of them has to know which cluster it is.
import type { Impersonation, KubeClient } from '@weir/kube';
import { createDriftWatch, type DriftWatch, type DriftWatchOptions } from './drift.ts';

export interface TargetCluster {
  /** It has the rights of the account that the objects act as. Its `discovery` knows the kinds of that cluster. */
  client: KubeClient;
  /** Watches what was applied there, with the rights that the handle was opened with. */
  drift: DriftWatch;
}

/**
 * Opens a handle that watches nothing yet. Closing its drift watch closes everything that it opened; the caller closes
 * the client.
 */
export function openTargetCluster(client: KubeClient, options: DriftWatchOptions): TargetCluster {
  return { client, drift: createDriftWatch(client, options) };
}

/**
 * The same cluster with the rights of another identity; its drift watch, and everything else of the handle, is shared.
 */
export function actingAs<C extends TargetCluster>(cluster: C, identity: Impersonation): C {
  return { ...cluster, client: cluster.client.impersonate(identity) };
}
