// Shows the upgrade that a HelmRelease would make now: `npm run services -- diff helmrelease <namespace>/<name>`.
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { HelmRelease } from '@weir/api';
import { openTargetCluster, type TargetCluster } from '@weir/apply';
import { type ArtifactCache, ArtifactMissing } from '@weir/artifact';
import { type Opened, openClusters } from '@weir/clusters';
import { type KubeClient, userAgent } from '@weir/kube';
import { createPool } from '@weir/render';
import { type Diff, openIdentities } from '@weir/service';
import { createTracing } from '@weir/telemetry';
import { readSettings } from '../../settings.ts';
import { words } from '../cluster/words.ts';
import { CONTROLLER, GROUP } from '../names.ts';
import { pendingChange } from './pending.ts';
import { describePending } from './text.ts';

export const diff: Diff = async (ref, { client, settings: flags, log, storageDir, signal }) => {
  const object = await client.get<HelmRelease>(HelmRelease, ref);
  const settings = readSettings(flags);
  const stack = new AsyncDisposableStack();
  try {
    const tracing = createTracing({ service: 'diff', instance: 'diff' });
    stack.defer(() => tracing.close());
    const pool = await createPool({ size: 1, memoryLimitBytes: settings.engineMemoryBytes, log });
    stack.defer(() => pool.close());
    const identities = openIdentities(
      { client, settings: flags },
      'default-kubeconfig-service-account',
    );
    stack.defer(() => identities.close());
    const clusters = openClusters({
      ...{ client, identities, words, log },
      open: openTarget,
      settings: settings.clusters,
      concurrency: 1,
      userAgent: userAgent('diff'),
      environment: process.env,
    });
    stack.defer(() => clusters.close());
    const store = folder(storageDir);
    const env = { client, clusters, pool, tracing, log, settings, store };
    return describePending(await pendingChange(env, object, signal));
  } finally {
    await stack.disposeAsync();
  }
};

/** Nothing is applied there, so nothing has to be watched. */
function openTarget(client: KubeClient): Opened<TargetCluster> {
  const cluster = openTargetCluster(client, {
    owner: { group: GROUP, fieldManager: CONTROLLER },
    rules: [],
    onError: () => undefined,
  });
  return { cluster, close: () => cluster.drift.close() };
}

/** Keeps what is fetched in a folder. The folder starts empty, so that everything is fetched from the source's URL. */
function folder(dir: string): ArtifactCache {
  const missing = async (digest: string): Promise<never> => {
    throw new ArtifactMissing(digest);
  };
  return {
    file: missing,
    fileIndex: missing,
    async keep(digest, download) {
      const file = join(dir, digest.replace(':', '-'));
      await pipeline(Readable.from(download()), createWriteStream(file));
      return file;
    },
  };
}
