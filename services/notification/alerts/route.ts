// From an event to its deliveries: event -> match -> delivery. What becomes of a delivery is in delivery/deliver.ts.
import type { Alert, Provider } from '@weir/api';
import { createSerial } from '@weir/async';
import {
  BusUnavailable,
  type MessageContext,
  type Outcome,
  pause,
  QueueFull,
  type WorkQueue,
} from '@weir/bus';
import type { Informer } from '@weir/controller';
import type { FluxEvent } from '@weir/events';
import { objectKey } from '@weir/kube';
import type { Logger, Metrics } from '@weir/telemetry';
import type { Events } from '../delivery/events.ts';
import { type Delivery, deliveryId } from '../delivery/record.ts';
import type { Reports } from '../delivery/report.ts';
import type { Room } from '../delivery/room.ts';
import { deliverySubject } from '../delivery/subjects.ts';
import { isRecovery } from '../grouping/class.ts';
import { groupingOf } from '../grouping/settings.ts';
import { isSilent, providerOf } from '../providers/silent.ts';
import { passesSeverity } from './match.ts';
import type { WatchedObjects } from './watched.ts';

export interface Routing {
  cluster: string;
  watched: WatchedObjects;
  providers: Pick<Informer<Provider>, 'get'>;
  deliveries: WorkQueue;
  room: Room;
  /** Keeps the event for its deliveries, which follow at once. */
  keepEvent: Events['keep'];
  refusedSource: Reports['refusedSource'];
  metrics: Metrics;
  log: Logger;
  /** The window for an alert to a chat without `spec.grouping`, in ms; 0 for none. */
  defaultWindowMs: number;
  /** With this set, an alert only gets events of objects of its own namespace. */
  noCrossNamespaceRefs: boolean;
}

/** Alerts of one namespace that get an event: each of them is a message in a stream that all share. */
const MAX_ALERTS = 200;
const RETRY = { minMs: 100, maxMs: 5_000 };
/** Attempts for an event that the stream itself refuses; attempts while NATS is away don't count. */
const MAX_REFUSALS = 20;

/**
 * Returns the function that takes an event from the stream, finds the alerts that may want it and puts a delivery for
 * each into the stream of deliveries. Only then it returns `ack`: from there on the deliveries are kept until they are
 * sent or given up. Events of one object are routed one after another, so that their deliveries are in order.
 */
export function createRouter(work: Routing) {
  const inOrder = createSerial();
  const tooMany = work.metrics.counter(
    'weir_alerts_skipped_total',
    `Alerts that did not get an event, as more than ${MAX_ALERTS} of their namespace want it`,
  );

  /** The alerts that may want the event, by their namespace. */
  function match(event: FluxEvent): Map<string, Alert[]> {
    const wanting = work.watched
      .alertsOn(event.involvedObject)
      .filter((alert) => mayNeed(work, alert, event))
      .filter((alert) => {
        if (mayReach(work, alert, event)) return true;
        work.refusedSource(alert, event);
        return false;
      });
    return Map.groupBy(wanting, ({ metadata }) => metadata.namespace ?? '');
  }

  function tellOfSkipped(namespace: string, skipped: number): void {
    if (skipped <= 0) return;
    tooMany.add(skipped);
    work.log.warn({ namespace, skipped }, 'Too many alerts of a namespace want the same event');
  }

  async function enqueue(event: FluxEvent, via: MessageContext): Promise<void> {
    const wanting = match(event);
    if (wanting.size > 0) work.keepEvent({ sequence: via.sequence, id: via.id }, event);
    for (const [namespace, all] of wanting) {
      const alerts = all
        .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
        .slice(0, MAX_ALERTS);
      const done = await work.room.makeFor(namespace, alerts.length);
      const deliveries = alerts.map((alert) => deliveryOf(alert, event, via));
      try {
        const puts = deliveries.map((delivery) => put(work, delivery, via.traceparent));
        // Those that continue after one has failed use room as well.
        const failed = (await Promise.allSettled(puts)).find((put) => put.status === 'rejected');
        if (failed !== undefined) throw failed.reason;
      } finally {
        done();
      }
    }
    // This comes last, because a failure repeats everything before it.
    for (const [namespace, { length }] of wanting) tellOfSkipped(namespace, length - MAX_ALERTS);
  }

  async function makeSome(): Promise<void> {
    try {
      await work.room.makeSome();
    } catch (error) {
      work.log.warn({ err: error }, 'The stream of deliveries is full, and no room could be made');
    }
  }

  return async function route(event: FluxEvent, via: MessageContext): Promise<Outcome> {
    return inOrder(`${event.involvedObject.kind}/${keyOf(event)}`, async () => {
      let waitMs = RETRY.minMs;
      let refusals = 0;
      // A later event of the same object must not overtake this one, so it is not postponed.
      while (!via.signal.aborted) {
        try {
          await enqueue(event, via);
          return 'ack';
        } catch (error) {
          work.log.debug({ err: error, id: via.id }, 'Deliveries were not taken, trying again');
          if (error instanceof QueueFull) await makeSome();
          else if (!(error instanceof BusUnavailable)) refusals += 1;
          if (refusals === MAX_REFUSALS) {
            work.log.error(
              { err: error, id: via.id },
              'An event can be delivered to nobody, dropped it',
            );
            return 'drop';
          }
          await pause(waitMs, via.signal);
          waitMs = Math.min(2 * waitMs, RETRY.maxMs);
        }
      }
      return { retryInMs: 0 };
    });
  };
}

/** Whether the alert may want to send the event, or needs it to learn that a failure of its groups is over. */
function mayNeed({ providers, defaultWindowMs }: Routing, alert: Alert, event: FluxEvent): boolean {
  const provider = providerOf(providers, alert);
  if (passesSeverity(alert, event) && !isSilent(provider, event)) return true;
  if (alert.spec.suspend || !isRecovery(event)) return false;
  return groupingOf(alert, provider, defaultWindowMs) !== undefined;
}

function mayReach({ noCrossNamespaceRefs }: Routing, alert: Alert, event: FluxEvent): boolean {
  return !noCrossNamespaceRefs || alert.metadata.namespace === event.involvedObject.namespace;
}

function deliveryOf(alert: Alert, event: FluxEvent, via: MessageContext): Delivery {
  const { namespace = '', name, uid = '' } = alert.metadata;
  const { involvedObject: object, severity, reason, timestamp } = event;
  return {
    alert: { namespace, name, uid },
    event: { sequence: via.sequence, id: via.id },
    object,
    severity,
    reason,
    timestamp,
  };
}

async function put(
  { cluster, deliveries }: Routing,
  delivery: Delivery,
  traceparent: string | undefined,
): Promise<void> {
  const { alert, object } = delivery;
  await deliveries.publish({
    subject: deliverySubject(cluster, { alert, object: { ...object, group: object.apiVersion } }),
    id: deliveryId(delivery),
    type: 'weir.delivery',
    source: `/clusters/${cluster}/notification`,
    data: delivery,
    traceparent,
  });
}

function keyOf({ involvedObject }: FluxEvent): string {
  return objectKey(involvedObject);
}
