// Opens a cluster for this service to release to: its own or another one.
import { openTargetCluster, overrideRules, type TargetCluster } from '@weir/apply';
import type { Opened } from '@weir/clusters';
import type { KubeClient } from '@weir/kube';
import type { Logger } from '@weir/telemetry';
import type { HelmReleaseSettings } from '../../settings.ts';
import { createActions } from '../actions/index.ts';
import type { Actions } from '../actions/types.ts';
import { EXCLUDED } from '../drift/compare.ts';
import { CONTROLLER, GROUP } from '../names.ts';

/** A cluster with Helm's actions, which know the storage and the capabilities of this cluster only. */
export interface ReleaseCluster extends TargetCluster {
  actions: Actions;
}

/** Watches Helm's storage from the start, and objects once there are any. */
export function openCluster(
  client: KubeClient,
  { overrideManagers }: Pick<HelmReleaseSettings, 'overrideManagers'>,
  log: Logger,
): Opened<ReleaseCluster> {
  const { server } = client;
  const target = openTargetCluster(client, {
    owner: { group: GROUP, fieldManager: CONTROLLER },
    rules: overrideRules(overrideManagers),
    // A client-side apply writes with updates.
    operations: ['Apply', 'Update'],
    leftAlone: EXCLUDED,
    onError: ({ group, kind }, { message: why }) =>
      log.warn({ server, group, kind, why }, 'drift watch interrupted, trying again'),
  });
  const actions = createActions({ client, log });
  return {
    cluster: { ...target, actions },
    async close() {
      await Promise.all([target.drift.close(), actions.close()]);
    },
  };
}
