// Opens what services that apply objects have in common, in the order in which the parts need each other.
import { HelmRelease, Kustomization } from '@weir/api';
import type { TargetCluster } from '@weir/apply';
import { type ArtifactStore, createStore, type FetchOptions } from '@weir/artifact';
import { type Clusters, type ClustersOptions, openClusters } from '@weir/clusters';
import { createInformer, type Informer } from '@weir/controller';
import type { cacheRecorder } from '@weir/identity';
import { userAgent } from '@weir/kube';
import { createPool, type RenderPool } from '@weir/render';
import { openIdentities, type ServiceParts } from '@weir/service';
import type { ApplySettings } from './apply-settings.ts';
import { createDeletionOrder, type DeletionOrder } from './dependencies/deletion.ts';
import type { Dependent } from './dependencies/references.ts';

export interface ApplyPartsOptions<C extends TargetCluster> {
  /** The name of the service, for its User-Agent. */
  service: string;
  /** The kind of the service's objects. */
  kind: 'Kustomization' | 'HelmRelease';
  settings: ApplySettings & { gates: { OrderedDeletion: boolean } };
  openCluster: ClustersOptions<C>['open'];
  words: ClustersOptions<C>['words'];
  /** Counts the tokens of all identities of the service. */
  tokens: ReturnType<typeof cacheRecorder>;
}

export interface ApplyParts<T extends Dependent, C extends TargetCluster> {
  informer: Informer<T>;
  pool: RenderPool;
  store: ArtifactStore;
  clusters: Clusters<C>;
  /** Only with the gate OrderedDeletion. */
  deletionOrder?: DeletionOrder;
}

const KINDS = { Kustomization, HelmRelease };

/**
 * Opens informers, engines, artifacts, identities and clusters for the objects of a kind. All of them are closed with
 * the stack of the service. Rejects with what `createPool` and `openIdentities` reject with.
 */
export async function openApplyParts<T extends Dependent, C extends TargetCluster>(
  { client, bus, settings: flags, storageDir, log, stack }: ServiceParts,
  { service, kind, settings, openCluster, words, tokens }: ApplyPartsOptions<C>,
): Promise<ApplyParts<T, C>> {
  const informer = createInformer<T>(client, KINDS[kind], { log });
  stack.defer(() => informer.close());
  const { renderers: size, engineMemoryBytes: memoryLimitBytes } = settings;
  const pool = await createPool({ size, memoryLimitBytes, log });
  stack.defer(() => pool.close());
  const store = createStore({ bus, dir: storageDir, maxCacheBytes: settings.cacheBytes, log });
  const identities = openIdentities(
    { client, settings: flags, tokens },
    'default-kubeconfig-service-account',
  );
  stack.defer(() => identities.close());
  const clusters = openClusters({
    ...{ client, open: openCluster, identities, words, log },
    settings: settings.clusters,
    concurrency: settings.concurrent,
    userAgent: userAgent(service),
    environment: process.env,
  });
  stack.defer(() => clusters.close());
  const parts = { informer, pool, store, clusters };
  if (!settings.gates.OrderedDeletion) return parts;
  const deletionOrder = createDeletionOrder({ client, informer, kind, log });
  stack.defer(() => deletionOrder.close());
  return { ...parts, deletionOrder };
}

/**
 * The options for fetching an object's artifact. The fetch holds a worker, so it has the same time limit as a build.
 * @param timeoutMs that of the object
 */
export function fetchOptions(
  settings: ApplySettings,
  { signal, timeoutMs }: Pick<FetchOptions, 'signal' | 'timeoutMs'>,
): FetchOptions {
  return {
    signal,
    timeoutMs: Math.min(timeoutMs, settings.buildTimeoutMs),
    maxBytes: settings.maxArtifactBytes,
    addresses: { allowLocal: settings.allowLocalAddresses },
    trusted: settings.artifactUrl,
  };
}
