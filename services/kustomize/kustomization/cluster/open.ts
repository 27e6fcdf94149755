// Opens a cluster for this service to apply to: its own or another one.
import { managerRules, openTargetCluster, type TargetCluster } from '@weir/apply';
import type { Opened } from '@weir/clusters';
import type { KubeClient } from '@weir/kube';
import type { Logger } from '@weir/telemetry';
import type { KustomizeSettings } from '../../settings.ts';
import { CONTROLLER, GROUP } from '../environment.ts';

/** Opens no watch before there is something to watch. */
export function openCluster(
  client: KubeClient,
  { overrideManagers }: Pick<KustomizeSettings, 'overrideManagers'>,
  log: Logger,
): Opened<TargetCluster> {
  const { server } = client;
  const cluster = openTargetCluster(client, {
    owner: { group: GROUP, fieldManager: CONTROLLER },
    rules: managerRules(CONTROLLER, overrideManagers),
    onError: ({ group, kind }, { message: why }) =>
      log.warn({ server, group, kind, why }, 'drift watch interrupted, trying again'),
  });
  return { cluster, close: () => cluster.drift.close() };
}
