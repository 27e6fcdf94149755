// The service against a real API server, NATS and Git server, and what a test asks of them.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  crds,
  findCondition,
  GitRepository,
  type GitRepositorySpec,
  READY,
  RECONCILE_REQUEST,
} from '@weir/api';
import {
  type ArtifactReading,
  type ArtifactStore,
  createStore,
  readArtifacts,
} from '@weir/artifact';
import { type Bus, connectBus, STREAMS } from '@weir/bus';
import { type Cluster, type GitServer, startCluster, startGitServer, until } from '@weir/cluster';
import { consumeEvents, type FluxEvent } from '@weir/events';
import { connectKube, type KubeClient } from '@weir/kube';
import { createSettings, type RunningService } from '@weir/service';
import { createLogger, createMetrics, createTracing, type Logger } from '@weir/telemetry';
import { service } from '../main.ts';

export interface Harness {
  cluster: Cluster;
  client: KubeClient;
  git: GitServer;
  bus: Bus;
  /** What came over NATS so far. */
  artifacts: ArtifactReading[];
  /** Where the artifacts are in NATS. */
  store: ArtifactStore;
  events: { event: FluxEvent; traceparent: string | undefined }[];
  namespace(): Promise<string>;
  /** Creates the object, or changes the given fields of its spec. */
  apply(namespace: string, name: string, spec: Partial<GitRepositorySpec>): Promise<GitRepository>;
  read(namespace: string, name: string): Promise<GitRepository>;
  /** Asks for a reconciliation and returns its token. */
  request(namespace: string, name: string): Promise<string>;
  /** Waits until Ready has this status and a message that matches, for the present generation. */
  ready(
    namespace: string,
    name: string,
    status: 'True' | 'False' | 'Unknown',
    message?: RegExp,
  ): Promise<GitRepository>;
  secret(namespace: string, name: string, data: Record<string, string>): Promise<void>;
  /** The service that runs; `stop` and `start` make it another process' worth. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Starts one more replica. */
  replica(instance: string): Promise<RunningService>;
  close(): Promise<void>;
}

const runtime = 'weir-system';
const timeoutMs = 20_000;

/** @param traces URL of an OTLP collector for the service's spans */
export async function startHarness(
  flags: Record<string, string> = {},
  traces?: string,
): Promise<Harness> {
  const started = new AsyncDisposableStack();
  try {
    return await build(started, flags, traces);
  } catch (error) {
    await started.disposeAsync();
    throw error;
  }
}

async function build(
  started: AsyncDisposableStack,
  flags: Record<string, string>,
  traces: string | undefined,
): Promise<Harness> {
  const log = createLogger({ service: 'source', level: process.env.LOG_LEVEL ?? 'fatal' });
  const dir = await mkdtemp(join(tmpdir(), 'weir-test-'));
  started.defer(() => rm(dir, { recursive: true, force: true }));
  const cluster = await startCluster({ nodes: 0, controllerManager: false });
  started.defer(() => cluster.close());
  const client = connectKube({ kubeconfig: cluster.kubeconfig }, { log });
  started.defer(() => client.close());
  const git = await startGitServer();
  started.defer(() => git.close());
  await cluster.request('POST', '/api/v1/namespaces', { metadata: { name: runtime } });
  await installCrds(cluster, client);

  const stopWatching = new AbortController();
  const bus = await busFor(cluster, 'test', log);
  started.defer(() => bus.close());
  await bus.ready;
  const store = createStore({ bus, dir: join(dir, 'test'), maxCacheBytes: 1e8, log });
  const artifacts: ArtifactReading[] = [];
  const events: Harness['events'] = [];
  const watching = [
    readInto(artifacts, bus, stopWatching.signal),
    consumeEvents(bus, {
      durable: 'test',
      concurrency: 1,
      signal: stopWatching.signal,
      async handle(event, { traceparent }) {
        events.push({ event, traceparent });
        return 'ack';
      },
    }),
  ];

  async function replica(instance: string): Promise<RunningService> {
    const own = await busFor(cluster, instance, log);
    started.defer(() => own.close());
    const tracing = createTracing({
      service: 'source',
      instance,
      delayMs: 50,
      ...(traces === undefined ? {} : { endpoint: traces }),
    });
    started.defer(() => tracing.close());
    const stop = new AbortController();
    const running = await service.start({
      name: 'source',
      instance,
      namespace: runtime,
      client,
      bus: own,
      log,
      metrics: createMetrics({ service: 'source' }),
      tracing,
      settings: createSettings({
        'storage-dir': join(dir, instance),
        'artifact-port': '0',
        'allow-local-addresses': 'true',
        'lease-duration': '2s',
        ...flags,
      }),
      signal: stop.signal,
    });
    await until(() => running.ready() === true, { timeoutMs, message: `${instance} to be ready` });
    return {
      ...running,
      async close() {
        await running.close();
        stop.abort();
        await own.close();
        await tracing.close();
      },
    };
  }

  started.defer(async () => {
    stopWatching.abort();
    await Promise.all(watching);
  });

  let running: RunningService | undefined;
  let starts = 0;
  async function start(): Promise<void> {
    running = await replica(`replica-${++starts}`);
  }
  async function stop(): Promise<void> {
    await running?.close();
    running = undefined;
  }
  started.defer(stop);
  await start();

  const read = (namespace: string, name: string) =>
    client.get<GitRepository>(GitRepository, { namespace, name });
  let namespaces = 0;
  let requests = 0;

  return {
    cluster,
    client,
    git,
    bus,
    artifacts,
    store,
    events,
    read,
    stop,
    start,
    replica,
    async namespace() {
      const name = `test-${++namespaces}`;
      await cluster.request('POST', '/api/v1/namespaces', { metadata: { name } });
      return name;
    },
    apply(namespace, name, spec) {
      const { apiVersion, kind } = GitRepository;
      const object = {
        apiVersion,
        kind,
        metadata: { namespace, name },
        spec: { interval: '1h', ref: { branch: 'main' }, ...spec },
      };
      return client.apply<GitRepository>(GitRepository, object, {
        fieldManager: 'test',
        force: true,
      });
    },
    async request(namespace, name) {
      const token = `request-${++requests}`;
      const body = { metadata: { annotations: { [RECONCILE_REQUEST]: token } } };
      await client.patch(GitRepository, { namespace, name }, body, { kind: 'merge' });
      return token;
    },
    ready: (namespace, name, status, message = /.*/) =>
      until(
        async () => {
          const object = await read(namespace, name);
          const ready = findCondition(object.status?.conditions, READY);
          const current = ready?.observedGeneration === object.metadata.generation;
          if (current && ready?.status === status && message.test(ready.message)) return object;
          throw new Error(JSON.stringify(object.status));
        },
        { timeoutMs, message: `${namespace}/${name} to be Ready=${status} ${message}` },
      ),
    async secret(namespace, name, data) {
      await client.apply(
        { group: '', version: 'v1', kind: 'Secret', plural: 'secrets', namespaced: true },
        { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name }, stringData: data },
        { fieldManager: 'test', force: true },
      );
    },
    close: () => started.disposeAsync(),
  };
}

async function readInto(
  artifacts: ArtifactReading[],
  bus: Bus,
  signal: AbortSignal,
): Promise<void> {
  for await (const reading of readArtifacts(bus, { signal })) artifacts.push(reading);
}

function busFor(cluster: Cluster, name: string, log: Logger): Promise<Bus> {
  const metrics = createMetrics({ service: name });
  const servers = cluster.natsUrl;
  return connectBus({ servers, cluster: 'test', name, owns: STREAMS, log, metrics });
}

async function installCrds(cluster: Cluster, client: KubeClient): Promise<void> {
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  for (const crd of crds()) await cluster.request('POST', path, crd);
  const served = async () => {
    client.discovery.invalidate();
    await client.discovery.resourceFor(GitRepository);
    return client.list(GitRepository);
  };
  await until(served, { timeoutMs, message: 'our kinds to be served' });
}
