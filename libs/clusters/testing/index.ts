// Clusters for tests that run a reconciler without its service.
import type { TargetCluster } from '@weir/apply';
import type { KubeClient } from '@weir/kube';
import type { Logger } from '@weir/telemetry';
import { type Clusters, openClusters } from '../clusters.ts';
import type { Opened } from '../connections.ts';
import type { SecretWords } from '../read-secret.ts';
import type { ClusterSettings } from '../settings.ts';

export interface CrashClustersOptions<C extends TargetCluster> {
  /** It fails where the process is to be killed. */
  client: KubeClient;
  /** Lives on: what is watched is no step of a run. */
  watching: KubeClient;
  open(client: KubeClient): Opened<C>;
  settings: ClusterSettings;
  words: SecretWords;
  log: Logger;
}

/** The own cluster, for one run of a process that is killed at one of its requests. */
export function openCrashClusters<C extends TargetCluster>({
  client,
  watching,
  open,
  settings,
  words,
  log,
}: CrashClustersOptions<C>): Clusters<C> {
  return openClusters({
    ...{ client, settings, words, log },
    open(to) {
      const { cluster, close } = open(watching);
      return { cluster: { ...cluster, client: to }, close };
    },
    identities: { restConfig: () => Promise.reject(new Error('no identity')) },
    concurrency: 1,
    userAgent: 'test',
    environment: {},
  });
}
