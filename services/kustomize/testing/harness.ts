// The service against a real API server and a real NATS, with sources that the test writes itself: the
// artifact into the store, the GitRepository's status by hand, the message onto the bus.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Artifact,
  crds,
  findCondition,
  GitRepository,
  Kustomization,
  type KustomizationSpec,
  READY,
} from '@weir/api';
import {
  type ArtifactStore,
  artifactPath,
  createStore,
  packArtifact,
  publishArtifact,
} from '@weir/artifact';
import { type Bus, connectBus } from '@weir/bus';
import { type Cluster, startCluster, until } from '@weir/cluster';
import { consumeEvents, type FluxEvent } from '@weir/events';
import { connectKube, isNotFound, type KubeClient, type KubeObject } from '@weir/kube';
import { createSettings, type RunningService } from '@weir/service';
import { createLogger, createMetrics, createTracing, type Tracing } from '@weir/telemetry';
import { service } from '../main.ts';

/** Path to content. */
export type Files = Record<string, string>;

export interface Harness {
  cluster: Cluster;
  client: KubeClient;
  bus: Bus;
  tracing: Tracing;
  /** Where the artifacts are, and where their copies can be kept. */
  store: ArtifactStore;
  cacheDir: string;
  /** Events as they came over NATS. */
  events: { event: FluxEvent; traceparent: string | undefined }[];
  namespace(): Promise<string>;
  /** Gives the source a new artifact; `announce: false` leaves it to the watch. Returns the revision. */
  publish(
    namespace: string,
    files: Files,
    options?: { announce?: boolean; name?: string; traceparent?: string },
  ): Promise<string>;
  /** Creates or changes `<namespace>/<name>`. */
  kustomization(
    namespace: string,
    name: string,
    spec?: Partial<KustomizationSpec>,
  ): Promise<Kustomization>;
  read(namespace: string, name: string): Promise<Kustomization>;
  /** Waits for the Ready condition to have this status, and a message that matches. */
  ready(
    namespace: string,
    name: string,
    status: 'True' | 'False' | 'Unknown',
    message?: RegExp,
  ): Promise<Kustomization>;
  find(apiVersion: string, kind: string, ref: Ref): Promise<KubeObject | undefined>;
  configMap(namespace: string, name: string): Promise<KubeObject | undefined>;
  /** Runs another replica's worth of the service; the first one is running. */
  start(instance: string): Promise<RunningService>;
  running: RunningService;
  /** Stops the first one; returns the way to start it again. */
  stop(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

interface Ref {
  namespace?: string;
  name: string;
}

const MERGE = { contentType: 'application/merge-patch+json' };
const RUNTIME = 'weir-system';

export async function startHarness(flags: Record<string, string> = {}): Promise<Harness> {
  const log = createLogger({ service: 'kustomize', level: process.env.LOG_LEVEL ?? 'fatal' });
  const metrics = createMetrics({ service: 'kustomize' });
  const tracing = createTracing({ service: 'kustomize' });
  const cluster = await startCluster({ nodes: 0, controllerManager: false, audit: true });
  const client = connectKube({ kubeconfig: cluster.kubeconfig }, { log });
  const dir = await mkdtemp(join(tmpdir(), 'weir-test-'));
  await cluster.request('POST', '/api/v1/namespaces', { metadata: { name: RUNTIME } });
  await installCrds(cluster, client);
  const bus = await connectBus({
    servers: cluster.natsUrl,
    cluster: 'test',
    name: 'test',
    log,
    metrics,
  });
  await bus.ready;
  const store = createStore({ bus, dir: join(dir, 'source'), maxCacheBytes: 1e9, log });
  const stop = new AbortController();
  const events: Harness['events'] = [];
  const consuming = consumeEvents(bus, {
    durable: 'test',
    concurrency: 1,
    signal: stop.signal,
    handle: (event, { traceparent }) => {
      events.push({ event, traceparent });
      return Promise.resolve('ack');
    },
  });
  const start = (instance: string) =>
    service.start({
      name: 'kustomize',
      instance,
      namespace: RUNTIME,
      client,
      bus,
      log,
      metrics,
      tracing,
      settings: createSettings({ 'cache-dir': join(dir, instance), ...flags }),
      signal: stop.signal,
    });
  let running = await start('one');

  let namespaces = 0;
  let revisions = 0;
  async function find(apiVersion: string, kind: string, ref: Ref) {
    try {
      const type = await client.discovery.resourceForKind(apiVersion, kind);
      return await client.get(type, ref);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
  const read = (namespace: string, name: string) =>
    client.get<Kustomization>(Kustomization, { namespace, name });

  return {
    cluster,
    client,
    bus,
    tracing,
    store,
    cacheDir: dir,
    events,
    find,
    read,
    start,
    get running() {
      return running;
    },
    async stop() {
      await running.close();
      return async () => {
        running = await start('one');
      };
    },
    configMap: (namespace, name) => find('v1', 'ConfigMap', { namespace, name }),
    async namespace() {
      const name = `test-${++namespaces}`;
      await cluster.request('POST', '/api/v1/namespaces', { metadata: { name } });
      return name;
    },
    async publish(namespace, files, { announce = true, name = 'git', traceparent } = {}) {
      const entries = Object.entries(files).map(([path, content]) => ({
        path,
        mode: 0o644,
        content: Buffer.from(content),
      }));
      const packed = await packArtifact(entries);
      await store.put(packed);
      const revision = `main@sha1:${String(++revisions).padStart(40, '0')}`;
      const path = artifactPath('GitRepository', namespace, name, packed.digest);
      const artifact: Artifact = {
        revision,
        digest: packed.digest,
        size: packed.size,
        path,
        url: `http://127.0.0.1:1/${path}`,
        lastUpdateTime: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
      };
      const source = await writeSource(client, namespace, name, artifact);
      const { uid = '', generation = 1, resourceVersion = '' } = source.metadata;
      if (announce) {
        const message = {
          kind: 'GitRepository',
          namespace,
          name,
          uid,
          generation,
          resourceVersion,
        };
        publishArtifact(bus, { ...message, artifact }, traceparent);
      }
      return revision;
    },
    kustomization(namespace, name, spec = {}) {
      return client.apply<Kustomization>(
        Kustomization,
        {
          apiVersion: Kustomization.apiVersion,
          kind: 'Kustomization',
          metadata: { namespace, name },
          spec: {
            interval: '1h',
            retryInterval: '1h',
            prune: true,
            sourceRef: { kind: 'GitRepository', name: 'git' },
            ...spec,
          },
        },
        { fieldManager: 'test', force: true },
      );
    },
    ready: (namespace, name, status, message = /.*/) =>
      until(
        async () => {
          const object = await read(namespace, name);
          const ready = findCondition(object.status?.conditions, READY);
          if (ready?.status === status && message.test(ready.message)) return object;
          throw new Error(JSON.stringify(object.status));
        },
        { timeoutMs: 20_000, message: `${namespace}/${name} Ready=${status} ${message}` },
      ),
    async close() {
      await running.close();
      stop.abort();
      await consuming;
      await bus.close();
      await client.close();
      await tracing.close();
      await cluster.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function installCrds(cluster: Cluster, client: KubeClient): Promise<void> {
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  for (const crd of crds()) await cluster.request('POST', path, crd);
  const served = async () => {
    client.discovery.invalidate();
    await client.discovery.resourceFor(Kustomization);
    await client.discovery.resourceFor(GitRepository);
    return client.list(Kustomization);
  };
  await until(served, { timeoutMs: 20_000, message: 'our kinds to be served' });
}

async function writeSource(
  client: KubeClient,
  namespace: string,
  name: string,
  artifact: Artifact,
): Promise<KubeObject> {
  const spec = { interval: '1h', url: 'https://example.com/repository' };
  const metadata = { namespace, name };
  const { apiVersion } = GitRepository;
  const object = { apiVersion, kind: 'GitRepository', metadata, spec };
  await client.apply(GitRepository, object, { fieldManager: 'test' });
  const status = { observedGeneration: 1, artifact };
  return client.patch(
    GitRepository,
    metadata,
    { status },
    { kind: 'merge', subresource: 'status' },
  );
}

/** YAML (JSON is) of objects, one document each. */
export function manifests(...objects: object[]): string {
  return objects.map((object) => JSON.stringify(object)).join('\n---\n');
}

export function configMap(namespace: string, name: string, data: Record<string, string> = {}) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data };
}

export { MERGE, until };
