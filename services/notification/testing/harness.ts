import { Alert, Kustomization, Provider } from '@weir/api';
import type { Bus } from '@weir/bus';
import { type Cluster, type Receiver, startReceiver, until } from '@weir/cluster';
import { createRecorder } from '@weir/events';
import { startPlatform } from '@weir/kit';
import {
  Event,
  isNotFound,
  type KubeClient,
  type KubeObject,
  Namespace,
  type ResourceType,
} from '@weir/kube';
import type { RunningService } from '@weir/service';
import { createLogger, createMetrics, type Metrics } from '@weir/telemetry';
import { service } from '../main.ts';

export const NAMESPACE = 'default';
export const DEADLINE = { timeoutMs: 20_000, intervalMs: 20 };

/** A replica of the service, with what it counts. */
export interface Replica {
  running: RunningService;
  metrics: Metrics;
  /** Lines that it logged. */
  lines: string[];
}

export interface Published {
  namespace?: string;
  metadata?: Record<string, string>;
  /** The reason of a failure. */
  failed?: string;
}

/**
 * The service against a real API server and a real NATS server; receivers of messages are local HTTP servers. What
 * `apply` makes is in NAMESPACE unless it says otherwise.
 */
export interface Harness {
  cluster: Cluster;
  client: KubeClient;
  bus: Bus;
  /** A receiver that answers what the test says. */
  chat: Receiver;
  start(instance?: string, flags?: Record<string, string>): Promise<Replica>;
  apply(
    type: ResourceType,
    name: string,
    fields: Record<string, unknown>,
    namespace?: string,
  ): Promise<void>;
  provider(name: string, spec: Record<string, unknown>, namespace?: string): Promise<void>;
  /** An alert to the provider of the same name, on all Kustomizations of its namespace. */
  alert(name: string, spec?: Record<string, unknown>, namespace?: string): Promise<void>;
  /** Waits until the replica knows what was applied, and nothing else. */
  known(replica: Replica): Promise<void>;
  /** Publishes an event about a Kustomization, as the kustomize service does; that it failed, with `failed`. */
  publish(name: string, message: string, more?: Published): void;
  /** Waits for so many requests at a path of `chat`. */
  arrived(path: string, count?: number): Promise<ReturnType<Receiver['requests']>>;
  /** Waits for a Kubernetes Event. */
  warning(kind: string, name: string, reason: string, namespace?: string): Promise<KubeObject>;
  /** Deletes what was applied, and forgets what `chat` received. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

export async function startHarness(): Promise<Harness> {
  const platform = await startPlatform({ audit: true });
  const { cluster, client, bus, log, tracing, stack } = platform;
  const chat = await startReceiver();
  stack.defer(() => chat.close());
  const component = 'kustomize-controller';
  const recorder = createRecorder({ bus, client, component, instance: 'k-0', log, tracing });
  const made: [ResourceType, { namespace: string; name: string }][] = [];

  async function start(instance = 'n-0', flags = {}): Promise<Replica> {
    const metrics = createMetrics({ service: 'notification' });
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push(line) };
    const running = await platform.start(
      service,
      instance,
      { 'allow-local-addresses': 'true', ...flags },
      {
        bus: await platform.connect(instance),
        log: createLogger({ service: 'notification', level: 'debug', destination }),
        metrics,
      },
    );
    stack.defer(() => running.close());
    await until(() => running.ready() === true, { ...DEADLINE, message: 'the service' });
    return { running, metrics, lines };
  }

  const apply: Harness['apply'] = async (type, name, fields, namespace = NAMESPACE) => {
    const apiVersion = type.group ? `${type.group}/${type.version}` : type.version;
    if (namespace !== NAMESPACE) {
      const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
      await client.apply(Namespace, object, { fieldManager: 'test' });
    }
    const object = { apiVersion, kind: type.kind, metadata: { namespace, name }, ...fields };
    await client.apply(type, object, { fieldManager: 'test', force: true });
    made.push([type, { namespace, name }]);
  };

  /** Deletes an object, and waits until what has a finalizer is gone: another one may be about to get its name. */
  async function removed([type, ref]: (typeof made)[number]): Promise<void> {
    await client.delete(type, ref);
    const isGone = () => client.get(type, ref).then(() => false, isNotFound);
    await until(isGone, { ...DEADLINE, message: `${type.kind}/${ref.name} to be gone` });
  }

  return {
    ...{ cluster, client, bus },
    chat,
    start,
    apply,
    provider: (name, spec, namespace) => apply(Provider, name, { spec }, namespace),
    alert: (name, spec = {}, namespace = NAMESPACE) => {
      const eventSources = [{ kind: 'Kustomization', name: '*' }];
      return apply(
        Alert,
        name,
        { spec: { providerRef: { name }, eventSources, ...spec } },
        namespace,
      );
    },
    async known(replica) {
      for (const type of [Alert, Provider]) {
        const count = made.filter(([other]) => other === type).length;
        const line = `weir_notification_objects{kind="${type.kind}"} ${count}\n`;
        await until(async () => (await replica.metrics.expose()).includes(line), {
          ...DEADLINE,
          message: line,
        });
      }
    },
    publish(name, message, more = {}) {
      const { namespace = NAMESPACE, metadata = { revision: 'r1' }, failed } = more;
      const object = {
        apiVersion: Kustomization.apiVersion,
        kind: 'Kustomization',
        metadata: { namespace, name, uid: `uid-of-${name}` },
      };
      const reason = failed ?? 'ReconciliationSucceeded';
      const severity = failed === undefined ? 'info' : 'error';
      recorder.event(object, { severity, reason, message, metadata, kubernetes: false });
    },
    arrived(path, count = 1) {
      const received = () => chat.requests().filter((request) => request.path === path);
      const enough = () => received().length >= count && received();
      return until(enough, { ...DEADLINE, message: `${count} at ${path}` });
    },
    warning(kind, name, reason, namespace = NAMESPACE) {
      return until(
        async () => {
          const { items } = await client.list(Event, { namespace });
          return items.find((event) => {
            const about = event.involvedObject as { kind: string; name: string };
            return about.kind === kind && about.name === name && event.reason === reason;
          });
        },
        { ...DEADLINE, message: `a ${reason} event of ${kind}/${name}` },
      );
    },
    async reset() {
      await Promise.all(made.splice(0).map(removed));
      chat.clear();
      chat.reply({});
    },
    close: platform.close,
  };
}
