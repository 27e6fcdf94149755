import { randomInt, randomUUID } from 'node:crypto';
import type { Bus } from '@weir/bus';
import type { KubeClient, KubeObject } from '@weir/kube';
import type { Logger, Tracing } from '@weir/telemetry';
import type { KubernetesEvent } from './correlate.ts';
import { createDroppedEvents } from './dropped.ts';
import { eventMessage, eventMetadata, type FluxEvent, kubeTime, referenceTo } from './fluxevent.ts';
import { createEventWriter } from './kubernetesevents.ts';
import { createShares, SHARE } from './rates.ts';
import { createRepeats } from './repeats.ts';
import { eventSubject } from './subjects.ts';

export interface EventDetails {
  /** `trace` only makes a Kubernetes Event, and never an alert. */
  severity: 'trace' | 'info' | 'error';
  reason: string;
  message: string;
  /** Plain keys, such as `revision`, which are prefixed with the object's API group. */
  metadata?: Record<string, string>;
  /** False when nothing happened to the object itself. */
  kubernetes?: boolean;
  /** The trace that this belongs to; the active span's when left out. */
  traceparent?: string | undefined;
  /** Unique to what happened (object UID, revision, attempt): if it is reported twice, it is published once. */
  id?: string;
}

/** Reports what happened to an object. Never throws and never waits. */
export interface Recorder {
  event(object: KubeObject, details: EventDetails): void;
  /**
   * Waits for Kubernetes Events that are being written; messages for NATS are in the outbox of the bus. `bus.close`
   * waits for both, so services need not call this.
   */
  flush(timeoutMs: number): Promise<boolean>;
}

export interface RecorderOptions {
  bus: Bus;
  client: KubeClient;
  /** The controller's name in events, such as `kustomize-controller`. */
  component: string;
  /** The replica's name, such as that of the pod. */
  instance: string;
  log: Logger;
  tracing: Tracing;
}

/** `note` of an Event, which `message` becomes in events.k8s.io/v1, holds this many bytes. */
const MAX_KUBERNETES_MESSAGE = 1_024;
const MAX_NAME = 253;

/**
 * A recorder that publishes a CloudEvent in the stream of events and writes a Kubernetes Event, like Flux's recorder
 * with its webhook. A failure that repeats within five minutes is published once, and what a namespace publishes beyond
 * its share is dropped: it is counted, and reported in one event a minute. For Kubernetes Events there are other
 * limits.
 */
export function createRecorder(options: RecorderOptions): Recorder {
  const { bus, component, instance, log, tracing } = options;
  const writer = createEventWriter(options.client, log);
  const isRepeat = createRepeats();
  const takeShare = createShares();
  const unpublished = bus.metrics.counter(
    'weir_events_unpublished_total',
    'Events that were not published: repeats of a failure, or beyond the share of a namespace.',
  );
  const dropped = createDroppedEvents(({ object, count }) => {
    const { namespace = '' } = object.metadata;
    log.warn({ namespace, count }, 'A namespace publishes more events than its share');
    const message = `${count} events of this namespace were not published: its objects report more than ${SHARE.bytesPerSecond} bytes a second, see what fails again and again`;
    const details: EventDetails = { severity: 'error', reason: 'EventsDropped', message };
    send(details, payload(object, details, new Date()));
  });
  bus.beforeClose((timeoutMs) => {
    dropped.report();
    return writer.flush(timeoutMs);
  });

  function publish(object: KubeObject, details: EventDetails, at: Date): void {
    if (details.severity === 'trace') return;
    const data = payload(object, details, at);
    if (isRepeat(data)) {
      unpublished.add(1, { cause: 'repeat' });
    } else if (takeShare(data.involvedObject.namespace, Buffer.byteLength(JSON.stringify(data)))) {
      send(details, data);
    } else {
      unpublished.add(1, { cause: 'share' });
      dropped.add(object);
    }
  }

  function payload(object: KubeObject, details: EventDetails, at: Date): FluxEvent {
    const { reason, severity } = details;
    const metadata = eventMetadata(object, details.metadata);
    return {
      involvedObject: referenceTo(object),
      severity: severity === 'error' ? 'error' : 'info',
      timestamp: kubeTime(at),
      message: eventMessage(details.message),
      reason,
      ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
      reportingController: component,
      reportingInstance: instance,
    };
  }

  function send(details: EventDetails, data: FluxEvent): void {
    const { reason, severity } = details;
    const { apiVersion: group, kind, namespace, name } = data.involvedObject;
    bus.publish({
      stream: 'weir-events',
      namespace,
      subject: eventSubject(bus.cluster, { group, kind, namespace, name }, reason),
      id: details.id ?? randomUUID(),
      type: `weir.event.${severity}`,
      source: `/clusters/${bus.cluster}/${component}/${instance}`,
      data,
      traceparent: details.traceparent ?? tracing.traceparent(),
    });
  }

  return {
    event: (object, details) => {
      try {
        const at = new Date();
        publish(object, details, at);
        if (details.kubernetes !== false) {
          writer.write(kubernetesEvent(object, details, { component, instance, at }));
        }
      } catch (error) {
        log.error({ err: error, reason: details.reason }, 'An event could not be recorded');
      }
    },
    flush: writer.flush,
  };
}

function kubernetesEvent(
  object: KubeObject,
  details: EventDetails,
  { component, instance, at }: { component: string; instance: string; at: Date },
): KubernetesEvent {
  const involvedObject = referenceTo(object);
  const annotations = eventMetadata(object, details.metadata);
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: {
      name: eventName(involvedObject.name, at),
      // Events about objects without a namespace are in `default`, as in client-go.
      namespace: involvedObject.namespace || 'default',
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    involvedObject,
    type: details.severity === 'error' ? 'Warning' : 'Normal',
    reason: details.reason,
    message: eventMessage(details.message, MAX_KUBERNETES_MESSAGE),
    count: 1,
    firstTimestamp: kubeTime(at),
    lastTimestamp: kubeTime(at),
    source: { component },
    reportingComponent: component,
    reportingInstance: instance,
  };
}

/** `<object>.<hex of nanoseconds>`; the digits below a millisecond are random. */
function eventName(object: string, at: Date): string {
  const nanoseconds = BigInt(at.getTime()) * 1_000_000n + BigInt(randomInt(1_000_000));
  const suffix = `.${nanoseconds.toString(16)}`;
  return object.slice(0, MAX_NAME - suffix.length).replace(/[^a-z0-9]+$/, '') + suffix;
}
