// The notification service: sends events of the stream as messages, as Alerts and Providers say. alerts/route.ts
// handles events and delivery/deliver.ts deliveries; this file opens what they use.
import { Alert, Provider, Reason } from '@weir/api';
import { createFairLimit } from '@weir/async';
import { openQueue, type WorkQueue } from '@weir/bus';
import { createInformer, whileOwned } from '@weir/controller';
import { consumeEvents, storedEvent } from '@weir/events';
import { cacheRecorder } from '@weir/identity';
import { createPool, type RenderPool } from '@weir/render';
import { defineService, openIdentities, type ServiceParts } from '@weir/service';
import { alertReader } from './alerts/current.ts';
import { labelReader } from './alerts/labels.ts';
import { patternMatcher } from './alerts/patterns.ts';
import { createRouter } from './alerts/route.ts';
import { watchedObjects } from './alerts/watched.ts';
import { createAttempts } from './delivery/attempts.ts';
import { createDeadLetters } from './delivery/dead-letters.ts';
import { createDeliver } from './delivery/deliver.ts';
import { keepEvents } from './delivery/events.ts';
import { followQueue } from './delivery/follow.ts';
import { createLanes } from './delivery/lanes.ts';
import { createOutcomes } from './delivery/outcomes.ts';
import { createPosts } from './delivery/posts.ts';
import { createReports, type Reports } from './delivery/report.ts';
import { createRoom } from './delivery/room.ts';
import { createSend } from './delivery/send.ts';
import { deliveryFilter } from './delivery/subjects.ts';
import { serveEvents } from './events/endpoint.ts';
import { createWholeEvents } from './events/whole.ts';
import { createGroups } from './grouping/groups.ts';
import { createFindRecovered } from './grouping/recovered.ts';
import { createSendDue } from './grouping/send-due.ts';
import { createGroupShare } from './grouping/share.ts';
import { groupsFilter } from './grouping/subjects.ts';
import { keepFinalizers } from './providers/finalizers.ts';
import type { Network } from './providers/io/connections.ts';
import { createEvaluate } from './providers/io/evaluate.ts';
import { createHttp, type SendHttp } from './providers/io/http.ts';
import { createCloudTokens } from './providers/io/identity.ts';
import { createIo } from './providers/io/io.ts';
import { createLookup } from './providers/io/lookup.ts';
import { readTarget } from './providers/read-target.ts';
import { typeOf } from './providers/types.ts';
import { openReceivers } from './receivers/open.ts';
import { createApplyTemplate } from './templates/apply.ts';
import { createReadCommit } from './templates/commit.ts';
import { createReadFacts } from './templates/facts.ts';

/** The consumer of the events; at any time one replica reads them for all. */
const DURABLE = 'notification';
const ROUTING = 'routing';
/** Events that are routed at a time, each of which waits for an answer of NATS. */
const ROUTED = 64;
/** Routing takes milliseconds, so a replica that vanished is not waited for any longer. */
const ROUTING_ACK_WAIT_MS = 5_000;
/** How long a service that stops waits for messages that are being sent: an interrupted one would be sent twice. */
const GRACE_MS = 2_000;
/** Objects of one namespace's alerts that are recorded as failing; beyond that failures are sent by themselves. */
const GROUPED_PER_NAMESPACE = 5_000;
/** With fewer slots, those of one namespace could be all there are. */
const MIN_SLOTS = 4;

export const service = defineService({
  name: 'notification',
  controllers: ['notification-controller'],

  async start(parts) {
    const { client, bus, membership, recorder, leaders, metrics, log, signal, stack } = parts;
    const { instance } = parts;
    const { cluster } = bus;
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
    const outcomes = createOutcomes({ cluster, instance, queue: queues.outcomes, log });
    stack.defer(() => outcomes.flush());
    const reports = createReports({ recorder, metrics, outcomes, log });
    const { refusedSource } = reports;
    const defaultWindowMs = parts.settings.duration('default-grouping', 0);
    const route = createRouter({
      ...routing(parts, queues),
      ...{ watched, providers, keepEvent, refusedSource, defaultWindowMs },
    });
    const { send, readTarget } = sending(parts, {
      ...{ network, http, pool, reports },
      outcomes: queues.outcomes,
    });
    const currentAlert = alertReader(client, alerts);
    const readEvent = kept.read;
    const groups = groupsOf(parts, queues);
    const deliver = createDeliver({
      ...queues,
      ...{ currentAlert, readEvent, providers, send, groups, defaultWindowMs, reports },
      matching: { readLabels: labelReader(client), matchList: patternMatcher(pool) },
    });
    const sendDue = createSendDue({
      ...{ currentAlert, readEvent, providers, send, readTarget, groups, defaultWindowMs, reports },
      queue: queues.groupQueue,
      findRecovered: createFindRecovered({ client, queue: queues.groupQueue, groups }),
      deadLetters: queues.deadLetters,
    });
    const queued = metrics.gauge(
      'weir_deliveries_queued',
      'Deliveries of this replica that are to be sent or tried again',
    );
    const grouped = metrics.gauge(
      'weir_alert_groups',
      'Groups of failures of this replica that are not over',
    );
    const { owns } = membership;
    const slots = createFairLimit(
      Math.max(MIN_SLOTS, parts.settings.number('concurrent', 16, { min: 1 })),
    );
    const lanes = createLanes({
      ...{ owns, slots, log },
      attempt: deliver,
      available: (until) => bus.available(until, 'weir-deliveries'),
      onSize: (size) => queued.set(size),
    });
    const groupLanes = createLanes({
      ...{ owns, slots, log },
      attempt: sendDue,
      available: (until) => bus.available(until, 'weir-groups'),
      newestOnly: true,
      onSize: (size) => grouped.set(size),
    });
    const wake = (namespace = ''): void => {
      for (const each of [lanes, groupLanes]) each.wake(namespace);
    };

    /** Providers have no status to report it in. */
    function refuse(provider: Provider): void {
      if (typeOf(provider) !== undefined || leaders.blocked() !== undefined) return;
      const message = `no message is sent: Weir doesn't know the type ${provider.spec.type}`;
      recorder.event(provider, { severity: 'error', reason: Reason.UnsupportedField, message });
    }
    providers.onChange(({ type, object, previous }) => {
      const same = previous?.metadata.generation === object.metadata.generation;
      if (type === 'deleted' || (type === 'modified' && same)) return;
      refuse(object);
      wake(object.metadata.namespace);
    });
    alerts.onChange(({ type, object, previous }) => {
      const same = previous?.metadata.generation === object.metadata.generation;
      if (type === 'deleted' || !same) wake(object.metadata.namespace);
    });
    leaders.onChange(() => providers.list().forEach(refuse));

    const known = metrics.gauge('weir_notification_objects', 'Alerts and Providers known, by kind');
    for (const [kind, informer] of Object.entries({ Alert: alerts, Provider: providers })) {
      informer.onChange(() => known.set(informer.list().length, { kind }));
    }

    const stopping = new AbortController();
    const stopped = AbortSignal.any([signal, stopping.signal]);
    async function work(): Promise<void> {
      // An event that comes before the alerts are known would match none.
      await Promise.all([alerts.synced(), providers.synced()]);
      const handling = { handle: route, log, metrics, concurrency: ROUTED, ordered: true };
      const reading = { durable: DURABLE, ackWaitMs: ROUTING_ACK_WAIT_MS, ...handling };
      await Promise.all([
        whileOwned(membership, ROUTING, stopped, (owned) =>
          consumeEvents(bus, { ...reading, signal: owned }),
        ),
        followQueue({
          filter: deliveryFilter(cluster),
          queue: queues.deliveries,
          ...{ lanes, membership, signal: stopped },
        }),
        followQueue({
          filter: groupsFilter(cluster),
          queue: queues.groupQueue,
          ...{ lanes: groupLanes, membership, signal: stopped },
        }),
      ]);
    }
    const working = work().catch((error: unknown) => {
      if (!stopped.aborted) throw error;
    });
    stack.defer(async () => {
      stopping.abort();
      // Otherwise `synced` could wait without end.
      for (const informer of [alerts, providers]) informer.close();
      await Promise.all([working, lanes.close(GRACE_MS), groupLanes.close(GRACE_MS)]);
    });

    const receivers = await openReceivers(parts, { pool, http });
    const events = await serveEvents({
      ...{ bus, metrics, log },
      events: queues.events,
      wholeEvents: createWholeEvents(bus),
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

function openQueues({ bus, recorder, metrics, log }: ServiceParts) {
  const deliveries = openQueue({ bus, stream: 'weir-deliveries', log });
  const letters = openQueue({ bus, stream: 'weir-dead-letters', log });
  const events = openQueue({ bus, stream: 'weir-events', log });
  const groupQueue = openQueue({ bus, stream: 'weir-groups', log });
  const outcomes = openQueue({ bus, stream: 'weir-outcomes', log });
  const deadLetters = createDeadLetters({
    cluster: bus.cluster,
    bus,
    deliveries,
    deadLetters: letters,
    gaveUp(alert, why) {
      const { apiVersion, kind } = Alert;
      const message = `notifications were given up unsent: ${why}`;
      const reason = Reason.NotificationDispatchFailed;
      recorder.event({ apiVersion, kind, metadata: alert }, { severity: 'error', reason, message });
    },
    metrics,
    log,
  });
  return { deliveries, deadLetters, events, groupQueue, outcomes };
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

function groupsOf(
  { bus, log }: ServiceParts,
  { groupQueue: queue }: ReturnType<typeof openQueues>,
) {
  const { cluster } = bus;
  const share = createGroupShare({ cluster, share: GROUPED_PER_NAMESPACE, queue });
  return createGroups({ cluster, queue, share, log });
}

function sending(
  { client, bus, tracing, metrics, settings, membership, instance, log, stack }: ServiceParts,
  {
    network,
    http,
    pool,
    reports,
    outcomes,
  }: {
    network: Network;
    http: SendHttp;
    pool: RenderPool;
    reports: Reports;
    outcomes: WorkQueue;
  },
) {
  const identities = openIdentities({ client, settings, tokens: cacheRecorder(metrics) });
  stack.defer(() => identities.close());
  const cloudTokens = createCloudTokens(identities);
  const reading = { client, objectLevel: identities.objectLevel };
  const read = (provider: Provider, signal: AbortSignal) => readTarget(reading, provider, signal);
  const applyTemplate = createApplyTemplate({
    pool,
    readFacts: createReadFacts(client),
    readCommit: createReadCommit(bus, settings.boolean('no-cross-namespace-refs', false)),
    failed: reports.failedTemplate,
  });
  const attempts = createAttempts({
    ...{ cluster: bus.cluster, instance, queue: outcomes, metrics, log },
  });
  // A replica that went may have been killed in the middle of something.
  stack.defer(membership.onChange(() => void attempts.learn()));
  void attempts.learn();
  const ioFor = createIo(network, http, createEvaluate(pool), createPosts(bus), cloudTokens);
  const wholeEvents = createWholeEvents(bus);
  const send = createSend({
    readTarget: read,
    ioFor,
    wholeEvents,
    applyTemplate,
    reports,
    tracing,
  });
  return { send: attempts.watch(send), readTarget: read };
}
