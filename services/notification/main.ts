// The notification service: turns events on the stream into messages, as Alerts and Providers say. What happens to an
// event is in alerts/route.ts, what happens to a delivery in delivery/deliver.ts; here is what they work with.
import { Alert, Provider, Reason } from '@weir/api';
import { createFairLimit } from '@weir/async';
import { openQueue } from '@weir/bus';
import { createInformer, whileOwned } from '@weir/controller';
import { consumeEvents, storedEvent } from '@weir/events';
import { createIdentities, identityOptions } from '@weir/identity';
import { createPool, type RenderPool } from '@weir/render';
import { defineService, type ServiceParts } from '@weir/service';
import { alertReader } from './alerts/current.ts';
import { labelReader } from './alerts/labels.ts';
import { patternMatcher } from './alerts/patterns.ts';
import { createRouter } from './alerts/route.ts';
import { watchedObjects } from './alerts/watched.ts';
import { createDeadLetters } from './delivery/dead-letters.ts';
import { createDeliver } from './delivery/deliver.ts';
import { keepEvents } from './delivery/events.ts';
import { followDeliveries } from './delivery/follow.ts';
import { createLanes } from './delivery/lanes.ts';
import { createPosts } from './delivery/posts.ts';
import { createReports } from './delivery/report.ts';
import { createRoom } from './delivery/room.ts';
import { serveEvents } from './events/endpoint.ts';
import { objectLevelIdentity } from './feature-gates.ts';
import { keepFinalizers } from './providers/finalizers.ts';
import type { Network } from './providers/io/connections.ts';
import { createEvaluate } from './providers/io/evaluate.ts';
import { createHttp, type SendHttp } from './providers/io/http.ts';
import { createCloudTokens } from './providers/io/identity.ts';
import { createIo } from './providers/io/io.ts';
import { createLookup } from './providers/io/lookup.ts';
import { readTarget } from './providers/read-target.ts';
import { unsupportedProvider } from './providers/types.ts';
import { openReceivers } from './receivers/open.ts';

/** The consumer of the events; at any time one replica reads them for all. */
const DURABLE = 'notification';
const ROUTING = 'routing';
/** Events that are routed at a time, which takes an answer of NATS each. */
const ROUTED = 64;
/** Routing takes milliseconds: a replica that vanished is not waited for any longer. */
const ROUTING_ACK_WAIT_MS = 5_000;
/** So long a service that stops waits for messages that are on their way: cut off, they would be sent twice. */
const GRACE_MS = 2_000;
/** With fewer slots than that, those of one namespace could be all there are. */
const MIN_SLOTS = 4;

export const service = defineService({
  name: 'notification',
  controllers: ['notification-controller'],

  async start(parts) {
    const { client, bus, membership, recorder, leaders, metrics, log, signal, stack } = parts;
    const pool = await createPool({ size: 1, log });
    stack.defer(() => pool.close());
    const alerts = createInformer<Alert>(client, Alert, { log, signal });
    stack.defer(() => alerts.close());
    const providers = createInformer<Provider>(client, Provider, { log, signal });
    stack.defer(() => providers.close());
    const finalizers = keepFinalizers(parts, providers);
    stack.defer(() => finalizers.close());

    const queues = openQueues(parts);
    const network = networkOf(parts);
    const http = createHttp(network);
    const watched = watchedObjects(alerts);
    stack.defer(() => watched.close());
    const kept = keepEvents((of) => storedEvent(bus, of));
    const keepEvent = kept.keep;
    const reports = createReports({ recorder, metrics, log });
    const { refusedSource } = reports;
    const route = createRouter({
      ...routing(parts, queues),
      ...{ watched, providers, keepEvent, refusedSource },
    });
    const deliver = createDeliver({
      ...queues,
      ...sending(parts, { network, http, pool }),
      currentAlert: alertReader(client, alerts),
      readEvent: kept.read,
      providers,
      looking: { readLabels: labelReader(client), matchList: patternMatcher(pool) },
      reports,
    });
    const queued = metrics.gauge(
      'weir_deliveries_queued',
      'Deliveries of this replica that are to be sent or tried again',
    );
    const slots = parts.settings.number('concurrent', 16, { min: 1 });
    const lanes = createLanes({
      owns: membership.owns,
      slots: createFairLimit(Math.max(MIN_SLOTS, slots)),
      attempt: deliver,
      onSize: (size) => queued.set(size),
      log,
    });

    /** Providers have no status to say it in. */
    function refuse(provider: Provider): void {
      const fields = unsupportedProvider(provider);
      if (fields.length === 0 || leaders.blocked() !== undefined) return;
      const message = `Weir can't do this yet, no message is sent: ${fields.join(', ')}`;
      recorder.event(provider, { severity: 'error', reason: Reason.UnsupportedField, message });
    }
    providers.onChange(({ type, object, previous }) => {
      const same = previous?.metadata.generation === object.metadata.generation;
      if (type === 'deleted' || (type === 'modified' && same)) return;
      refuse(object);
      lanes.wake(object.metadata.namespace ?? '');
    });
    alerts.onChange(({ type, object, previous }) => {
      const same = previous?.metadata.generation === object.metadata.generation;
      if (type === 'deleted' || !same) lanes.wake(object.metadata.namespace ?? '');
    });
    leaders.onChange(() => providers.list().forEach(refuse));

    const known = metrics.gauge('weir_notification_objects', 'Alerts and Providers known, by kind');
    for (const [kind, informer] of Object.entries({ Alert: alerts, Provider: providers })) {
      informer.onChange(() => known.set(informer.list().length, { kind }));
    }

    const stopping = new AbortController();
    const stopped = AbortSignal.any([signal, stopping.signal]);
    async function work(): Promise<void> {
      // An event that comes before the alerts are known would reach nobody.
      await Promise.all([alerts.synced(), providers.synced()]);
      const handling = { handle: route, log, metrics, concurrency: ROUTED, ordered: true };
      const reading = { durable: DURABLE, ackWaitMs: ROUTING_ACK_WAIT_MS, ...handling };
      await Promise.all([
        whileOwned(membership, ROUTING, stopped, (owned) =>
          consumeEvents(bus, { ...reading, signal: owned }),
        ),
        followDeliveries({
          cluster: bus.cluster,
          deliveries: queues.deliveries,
          lanes,
          membership,
          signal: stopped,
        }),
      ]);
    }
    const working = work().catch((error: unknown) => {
      if (!stopped.aborted) throw error;
    });
    stack.defer(async () => {
      stopping.abort();
      // So that `synced` doesn't wait for what never comes.
      for (const informer of [alerts, providers]) informer.close();
      await Promise.all([working, lanes.close(GRACE_MS)]);
    });

    const receivers = await openReceivers(parts, { pool, http });
    const events = await serveEvents({
      ...{ bus, metrics, log },
      events: queues.events,
      port: parts.settings.port('events-port', 9090),
      windowMs: parts.settings.duration('rate-limit-interval', 5 * 60_000),
    });
    stack.defer(() => events.close());

    return {
      missing: () =>
        alerts.hasSynced() && providers.hasSynced()
          ? receivers.missing()
          : 'alerts and providers not read yet',
      ports: () => ({ events: events.port, receivers: receivers.port }),
    };
  },
});

function openQueues({ bus, metrics, log }: ServiceParts) {
  const deliveries = openQueue({ bus, stream: 'weir-deliveries', log });
  const letters = openQueue({ bus, stream: 'weir-dead-letters', log });
  const events = openQueue({ bus, stream: 'weir-events', log });
  const deadLetters = createDeadLetters({
    cluster: bus.cluster,
    deliveries,
    deadLetters: letters,
    metrics,
    log,
  });
  return { deliveries, deadLetters, events };
}

function routing(
  { bus, settings, metrics, log }: ServiceParts,
  queues: ReturnType<typeof openQueues>,
) {
  const share = settings.number('deliveries-per-namespace', 10_000, { min: 1_000, max: 50_000 });
  return {
    cluster: bus.cluster,
    deliveries: queues.deliveries,
    room: createRoom({ cluster: bus.cluster, share, ...queues }),
    metrics,
    log,
    noCrossNamespaceRefs: settings.boolean('no-cross-namespace-refs', false),
  };
}

function networkOf({ settings }: ServiceParts): Network {
  const concurrency = settings.number('concurrent-lookups', 2, { min: 1 });
  return {
    resolverFor: createLookup({ concurrency }),
    allowLocal: settings.boolean('allow-local-addresses', false),
    environment: process.env,
  };
}

function sending(
  { client, bus, tracing, settings, stack }: ServiceParts,
  { network, http, pool }: { network: Network; http: SendHttp; pool: RenderPool },
) {
  const objectLevel = objectLevelIdentity(settings.list('feature-gates'));
  const account = objectLevel ? settings.get('default-service-account') : undefined;
  const identities = createIdentities({
    ...{ client, objectLevel, defaultServiceAccount: account },
    ...identityOptions(settings),
  });
  stack.defer(() => identities.close());
  const cloudTokens = createCloudTokens(identities);
  const reading = { client, objectLevel };
  return {
    readTarget: (provider: Provider, signal: AbortSignal) => readTarget(reading, provider, signal),
    ioFor: createIo(network, http, createEvaluate(pool), createPosts(bus), cloudTokens),
    tracing,
  };
}
