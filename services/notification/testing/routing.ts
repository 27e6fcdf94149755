import type { Alert, Provider } from '@weir/api';
import { type Bus, openQueue, type WorkQueue } from '@weir/bus';
import { eventSubject, type FluxEvent } from '@weir/events';
import type { Logger, Metrics } from '@weir/telemetry';
import { createRouter } from '../alerts/route.ts';
import { watchedObjects } from '../alerts/watched.ts';
import { createDeadLetters } from '../delivery/dead-letters.ts';
import { createRoom } from '../delivery/room.ts';
import { alertOf } from './fixtures.ts';

/** An alert named `chat` on all Kustomizations of its namespace. */
export function alertIn(namespace: string): Alert {
  const metadata = { name: 'chat', namespace, uid: `uid-of-${namespace}` };
  return { ...alertOf(), metadata };
}

export interface RoutingOptions {
  bus: Bus;
  deliveries: WorkQueue;
  metrics: Metrics;
  log: Logger;
  alerts?: Alert[];
  share?: number;
}

/** A router of events to alerts that never change; there is one in the namespace `a` unless others are given. */
export function routerTo(options: RoutingOptions) {
  const { bus, deliveries, metrics, log, alerts = [alertIn('a')], share = 10_000 } = options;
  const { cluster } = bus;
  const graves = openQueue({ bus, stream: 'weir-dead-letters', log });
  const deadLetters = createDeadLetters({
    ...{ cluster, bus, deliveries, deadLetters: graves, metrics, log },
  });
  const route = createRouter({
    cluster,
    watched: watchedObjects({ list: () => alerts, onChange: () => () => undefined }),
    providers: { get: (): Provider | undefined => undefined },
    deliveries,
    keepEvent: () => undefined,
    refusedSource: () => undefined,
    room: createRoom({ cluster, share, deliveries, deadLetters }),
    metrics,
    log,
    defaultWindowMs: 0,
    noCrossNamespaceRefs: false,
  });
  return { route, deadLetters };
}

/** Publishes an event about a Kustomization. Tests recognize it by its message. */
export function publishEvent(bus: Bus, namespace: string, name: string, message: string): void {
  const apiVersion = 'kustomize.toolkit.fluxcd.io/v1';
  const object = { apiVersion, kind: 'Kustomization', namespace, name };
  const data: FluxEvent = {
    involvedObject: { ...object, uid: `uid-of-${name}` },
    severity: 'info',
    timestamp: '2026-01-02T03:04:05Z',
    message,
    reason: 'Test',
    reportingController: 'kustomize-controller',
    reportingInstance: 'k-0',
  };
  bus.publish({
    stream: 'weir-events',
    namespace,
    subject: eventSubject(bus.cluster, { ...object, group: apiVersion }, 'Test'),
    id: `${namespace}/${name}/${message}`,
    type: 'weir.event.info',
    source: '/test',
    data,
  });
}
