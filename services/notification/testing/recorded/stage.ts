// The environment in which cases are played: a control plane with the service, and the vendors.
import { generateKeyPairSync } from 'node:crypto';
import { Alert, Provider, Receiver } from '@weir/api';
import { startNats, subscribeTo } from '@weir/bus/testing';
import { until } from '@weir/cluster';
import { type Platform, startPlatform } from '@weir/kit';
import { isNotFound, type KubeObject, Namespace, type ResourceType } from '@weir/kube';
import type { RunningService } from '@weir/service';
import { createMetrics, type Metrics } from '@weir/telemetry';
import { service } from '../../main.ts';
import { type EventHub, startEventHub } from './event-hub.ts';
import { startVendors, type Vendors } from './vendors.ts';

export const NAMESPACE = 'apps';
const NAMESPACES = [NAMESPACE, 'infra'];
export const WAIT = { timeoutMs: 60_000, intervalMs: 20 };

export interface Stage {
  platform: Platform;
  vendors: Vendors;
  hub: EventHub;
  nats: { open: string; closed: string; received: () => { subject: string; text: string }[] };
  /** The key of the issuers of tokens. */
  issuer: ReturnType<typeof issuerKeys>;
  /** Starts the service with these flags, unless it runs with them. */
  use(flags: Record<string, string>): Promise<void>;
  port(purpose: 'events' | 'receivers'): number;
  /** The value of a metric, all its series added up. */
  count(metric: string): Promise<number>;
  /** Whether deliveries wait for something. */
  busy(): Promise<boolean>;
  /** Applies objects, and waits until the service knows them. */
  apply(objects: readonly KubeObject[]): Promise<void>;
  typeOf(object: Pick<KubeObject, 'apiVersion' | 'kind'>): Promise<ResourceType>;
  /** Deletes all that was applied, and waits until it is gone. */
  clear(): Promise<void>;
  find(kind: string, name: string, namespace?: string): Promise<KubeObject | undefined>;
  remove(kind: string, name: string): Promise<void>;
  close(): Promise<void>;
}

function issuerKeys() {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey;
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'RS256', use: 'sig' };
  return { privateKey, stranger, keys: { keys: [jwk] } };
}

export async function startStage(): Promise<Stage> {
  const vendors = await startVendors();
  // The operator's proxy, through which everything goes but what is on this machine.
  Object.assign(process.env, {
    HTTP_PROXY: vendors.egress,
    HTTPS_PROXY: vendors.egress,
    http_proxy: vendors.egress,
    https_proxy: vendors.egress,
    NO_PROXY: '127.0.0.1,localhost',
    no_proxy: '127.0.0.1,localhost',
  });
  const [hub, open, closed] = await Promise.all([
    startEventHub(),
    startNats(),
    startNats({ config: 'authorization { user: u, password: fake }' }),
  ]);
  const subscriptions = await Promise.all([
    subscribeTo(open.url, 'flux.events'),
    subscribeTo(closed.url, 'flux.events', { user: 'u', pass: 'fake' }),
  ]);
  const platform = await startPlatform();
  const { client, stack } = platform;
  stack.defer(async () => {
    for (const subscription of subscriptions) await subscription.close();
    await Promise.all([open.close(), closed.close(), vendors.close()]);
    hub.close();
  });
  for (const name of NAMESPACES) {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await client.apply(Namespace, namespace, { fieldManager: 'test' });
  }

  let running: { flags: string; service: RunningService; metrics: Metrics } | undefined;
  let starts = 0;
  async function use(flags: Record<string, string>): Promise<void> {
    const key = JSON.stringify(flags);
    if (running?.flags === key) return;
    await running?.service.close();
    const instance = `n-${++starts}`;
    const metrics = createMetrics({ service: 'notification' });
    const started = await platform.start(service, instance, flags, {
      bus: await platform.connect(instance),
      metrics,
    });
    running = { flags: key, service: started, metrics };
    await until(() => started.ready() === true, { ...WAIT, message: 'the service' });
  }
  stack.defer(async () => void (await running?.service.close()));

  async function count(metric: string): Promise<number> {
    const text = (await running?.metrics.expose()) ?? '';
    const lines = text.split('\n').filter((line) => new RegExp(`^${metric}[ {]`).test(line));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  const applied: KubeObject[] = [];
  const typeOf: Stage['typeOf'] = ({ apiVersion, kind }) =>
    client.discovery.resourceForKind(apiVersion, kind);
  const refOf = ({ metadata: { name, namespace = NAMESPACE } }: KubeObject) => ({
    name,
    namespace,
  });
  const read = async (object: KubeObject) => {
    try {
      return await client.get(await typeOf(object), refOf(object));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  };

  /** The service's copies of Alerts and Providers are as many as there are. */
  async function known(): Promise<void> {
    for (const type of [Alert, Provider]) {
      const { items } = await client.list(type);
      await until(
        async () =>
          ((await running?.metrics.expose()) ?? '').includes(
            `weir_notification_objects{kind="${type.kind}"} ${items.length}\n`,
          ) || items.length === 0,
        { ...WAIT, message: `${items.length} objects of the kind ${type.kind}` },
      );
    }
  }

  return {
    platform,
    vendors,
    hub,
    nats: {
      open: open.url,
      closed: closed.url.replace('nats://', 'nats://'),
      received: () => subscriptions.flatMap(({ messages }) => messages),
    },
    issuer: issuerKeys(),
    use,
    port: (purpose) => running?.service.ports?.()[purpose] ?? 0,
    count,
    busy: async () => (await count('weir_deliveries_queued')) > 0,
    typeOf,
    async apply(objects) {
      for (const object of objects) {
        const metadata = { namespace: NAMESPACE, ...object.metadata };
        const how = { fieldManager: 'test', force: true };
        await client.apply(await typeOf(object), { ...object, metadata }, how);
        applied.push({ ...object, metadata });
      }
      await known();
      for (const object of objects.filter(({ kind }) => kind === 'Receiver')) {
        const isSuspended = (object.spec as { suspend?: boolean }).suspend === true;
        await until(
          async () => {
            const found = await read(object);
            const { finalizers } = found?.metadata ?? {};
            const status = found?.status as { conditions?: unknown[] } | undefined;
            return finalizers !== undefined && (isSuspended || Boolean(status?.conditions?.length));
          },
          { ...WAIT, message: `the status of ${object.metadata.name}` },
        );
      }
    },
    async clear() {
      const all = applied.splice(0).reverse();
      for (const object of all) {
        await client.delete(await typeOf(object), refOf(object)).catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
      }
      for (const object of all) {
        const gone = async () => (await read(object)) === undefined;
        await until(gone, {
          ...WAIT,
          message: `${object.kind}/${object.metadata.name} to be gone`,
        });
      }
      await known();
      vendors.clear();
      hub.received.length = 0;
      for (const { messages } of subscriptions) messages.length = 0;
    },
    async find(kind, name, namespace = NAMESPACE) {
      const object = applied.findLast((each) => each.kind === kind && each.metadata.name === name);
      const apiVersion = kind === 'Secret' ? 'v1' : (object?.apiVersion ?? Receiver.apiVersion);
      return read({ apiVersion, kind, metadata: { name, namespace } });
    },
    async remove(kind, name) {
      const object = applied.find((each) => each.kind === kind && each.metadata.name === name);
      if (object !== undefined) await client.delete(await typeOf(object), refOf(object));
    },
    close: platform.close,
  };
}
