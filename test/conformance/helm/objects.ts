// The objects that fixtures of HelmReleases speak of, as far as the player reads them.
import type { Condition } from '@weir/api';
import type { KubeClient, KubeObject, ResourceType } from '@weir/kube';

export const HelmReleaseType: ResourceType = {
  group: 'helm.toolkit.fluxcd.io',
  version: 'v2',
  kind: 'HelmRelease',
  plural: 'helmreleases',
  namespaced: true,
};

/** The annotations by which a HelmRelease is asked for more than its interval does. */
export const FORCE_REQUEST = 'reconcile.fluxcd.io/forceAt';
export const RESET_REQUEST = 'reconcile.fluxcd.io/resetAt';

export interface ReleaseSnapshot {
  name: string;
  version: number;
  status: string;
  chartName: string;
  configDigest: string;
  action?: string;
  testHooks?: Record<string, unknown>;
  [field: string]: unknown;
}

export interface HelmReleaseStatus {
  conditions?: Condition[];
  history?: ReleaseSnapshot[];
  inventory?: { entries?: { id: string; v: string }[] };
  observedGeneration?: number;
  lastHandledReconcileAt?: string;
  lastHandledForceAt?: string;
  lastHandledResetAt?: string;
  lastAttemptedRevision?: string;
  lastAttemptedGeneration?: number;
  lastAttemptedConfigDigest?: string;
  installFailures?: number;
  [field: string]: unknown;
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

/** Reads what is at a path; undefined when there is nothing. */
export async function readAt<T>(client: KubeClient, path: string): Promise<T | undefined> {
  try {
    return await client.request<T>({ method: 'GET', path });
  } catch (error) {
    if ((error as { status?: number }).status === 404) return undefined;
    throw error;
  }
}
