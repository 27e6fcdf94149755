// What the tests of one service need around the service: an API server with Weir's kinds, NATS, and a folder. The service
// itself runs in the process of the test.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Condition, crds, findCondition, kinds, READY } from '@weir/api';
import { type ArtifactStore, createStore } from '@weir/artifact';
import { type Bus, connectBus, STREAMS } from '@weir/bus';
import { type Cluster, type ClusterOptions, startCluster, until } from '@weir/cluster';
import {
  connectKube,
  isNotFound,
  type KubeClient,
  type KubeObject,
  type ResourceType,
} from '@weir/kube';
import { createSettings, type RunningService, type Service } from '@weir/service';
import {
  createLogger,
  createMetrics,
  createTracing,
  type Logger,
  type Metrics,
  type Tracing,
} from '@weir/telemetry';
import { type PublishedEvent, recordEvents } from './events.ts';

export interface Platform {
  cluster: Cluster;
  client: KubeClient;
  bus: Bus;
  log: Logger;
  tracing: Tracing;
  /** The artifacts in NATS. Their copies on disk are in `dir`. */
  store: ArtifactStore;
  /** A folder that is removed when the platform closes. */
  dir: string;
  /** The events that were received over NATS so far. */
  events: PublishedEvent[];
  /** What is put onto this stack is closed with the platform, in reverse order. */
  stack: AsyncDisposableStack;
  /** Makes a new namespace and returns its name. */
  namespace(): Promise<string>;
  /** Opens one more connection to NATS, which is closed with the platform. */
  connect(name: string): Promise<Bus>;
  /** Reads an object; undefined when the object or its kind does not exist. */
  find(apiVersion: string, kind: string, ref: Ref): Promise<KubeObject | undefined>;
  /** Waits until the condition Ready has this status and a message that matches, and returns the object. */
  ready<T extends KubeObject>(kind: ResourceType, ref: Ref, wanted: Wanted): Promise<T>;
  /** Starts an instance of the service with a folder of its own. The caller has to close it. */
  start(
    service: Service,
    instance: string,
    flags: Record<string, string>,
    parts?: { bus?: Bus; tracing?: Tracing; signal?: AbortSignal; log?: Logger; metrics?: Metrics },
  ): Promise<RunningService>;
  close(): Promise<void>;
}

interface Wanted {
  status: Condition['status'];
  message?: RegExp;
  /** Only a condition of the present generation counts. */
  current?: boolean;
}

interface Ref {
  namespace?: string;
  name: string;
}

/** The namespace that the services run in. */
export const RUNTIME = 'weir-system';
const WAIT_MS = 20_000;
const STORE_BYTES = 1e9;

/** Starts a platform. When a part fails to start, it closes the others and rejects. */
export async function startPlatform(options: ClusterOptions = {}): Promise<Platform> {
  const stack = new AsyncDisposableStack();
  try {
    return await build(stack, options);
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function build(stack: AsyncDisposableStack, options: ClusterOptions): Promise<Platform> {
  const log = createLogger({ service: 'test', level: process.env.LOG_LEVEL ?? 'fatal' });
  const tracing = createTracing({ service: 'test' });
  stack.defer(() => tracing.close());
  const dir = await mkdtemp(join(tmpdir(), 'weir-test-'));
  // A process that was killed with its service may end a moment later, and write until then.
  stack.defer(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  const cluster = await startCluster({ nodes: 0, controllerManager: false, ...options });
  stack.defer(() => cluster.close());
  const client = connectKube({ kubeconfig: cluster.kubeconfig }, { log });
  stack.defer(() => client.close());
  await cluster.request('POST', '/api/v1/namespaces', { metadata: { name: RUNTIME } });
  await installKinds(cluster, client);

  async function connect(name: string): Promise<Bus> {
    const metrics = createMetrics({ service: name });
    const bus = await connectBus({
      servers: cluster.natsUrl,
      cluster: 'test',
      name,
      owns: STREAMS,
      log,
      metrics,
    });
    stack.defer(() => bus.close());
    return bus;
  }
  const bus = await connect('test');
  await bus.ready;
  const store = createStore({ bus, dir: join(dir, 'store'), maxCacheBytes: STORE_BYTES, log });
  const events: Platform['events'] = [];
  recordEvents(stack, bus, (published) => events.push(published));
  const stop = new AbortController();
  stack.defer(() => stop.abort());

  let namespaces = 0;
  return {
    ...{ cluster, client, bus, log, tracing, store, dir, events, stack, connect },
    async namespace() {
      const name = `test-${++namespaces}`;
      await cluster.request('POST', '/api/v1/namespaces', { metadata: { name } });
      return name;
    },
    async find(apiVersion, kind, ref) {
      try {
        const type = await client.discovery.resourceForKind(apiVersion, kind);
        return await client.get(type, ref);
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
    ready: <T extends KubeObject>(
      kind: ResourceType,
      ref: Ref,
      { status, message = /.*/, current = false }: Wanted,
    ) =>
      until(
        async () => {
          const object = await client.get<T>(kind, ref);
          const { conditions } = (object.status ?? {}) as { conditions?: Condition[] };
          const ready = findCondition(conditions, READY);
          const isMeant = !current || ready?.observedGeneration === object.metadata.generation;
          if (isMeant && ready?.status === status && message.test(ready.message)) return object;
          throw new Error(JSON.stringify(object.status));
        },
        {
          timeoutMs: WAIT_MS,
          message: `${ref.namespace}/${ref.name} to be Ready=${status} ${message}`,
        },
      ),
    start(service, instance, flags, parts = {}) {
      const { signal = stop.signal, ...own } = parts;
      return service.start({
        ...{ name: service.name, instance, namespace: RUNTIME, client, bus, log, tracing, signal },
        metrics: createMetrics({ service: service.name }),
        settings: createSettings({
          'storage-dir': join(dir, instance),
          // Everything that a test starts is on this machine.
          'allow-local-addresses': 'true',
          // Several replicas run on this machine.
          'events-port': '0',
          'receiver-port': '0',
          ...flags,
        }),
        ...own,
      });
    },
    close: () => stack.disposeAsync(),
  };
}

async function installKinds(cluster: Cluster, client: KubeClient): Promise<void> {
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  for (const crd of crds()) await cluster.request('POST', path, crd);
  const served = async () => {
    client.discovery.invalidate();
    for (const kind of kinds) await client.list(await client.discovery.resourceFor(kind));
    return true;
  };
  await until(served, { timeoutMs: WAIT_MS, message: 'our kinds to be served' });
}
