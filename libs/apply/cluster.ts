// The cluster that objects are applied to, as one handle. Functions that apply, prune, wait for health or look for drift take
// this handle, so that none of them has to know which cluster it is.
import type { Impersonation, KubeClient } from '@weir/kube';
import { createDriftWatch, type DriftWatch, type DriftWatchOptions } from './drift.ts';

export interface TargetCluster {
  /** With the rights of whoever the objects belong to. Its `discovery` knows the kinds of that cluster. */
  client: KubeClient;
  /** Watches what was applied there, with the rights that the handle was opened with. */
  drift: DriftWatch;
}

/** Starts with nothing to watch. Closing its drift watch closes all that it opens; the client stays the caller's. */
export function openTargetCluster(client: KubeClient, options: DriftWatchOptions): TargetCluster {
  return { client, drift: createDriftWatch(client, options) };
}

/** The same cluster with the rights of somebody else; its drift watch, and all else of the handle, is shared. */
export function actingAs<C extends TargetCluster>(cluster: C, identity: Impersonation): C {
  return { ...cluster, client: cluster.client.impersonate(identity) };
}
