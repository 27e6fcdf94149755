import type { Alert, Provider } from '@weir/api';
import type { Informer } from '@weir/controller';
import type { FluxEvent, Recorder } from '@weir/events';
import { type KubeClient, objectKey } from '@weir/kube';
import type { Logger, Metrics, Tracing } from '@weir/telemetry';
import { matchAlert, type ReadLabels } from '../alerts/match.ts';
import { eventForAlert } from '../alerts/metadata.ts';
import { isCommitStatusUpdate } from '../providers/sender.ts';
import { senderFor, unsupportedProvider } from '../providers/senders.ts';
import { resolveTarget } from '../providers/target.ts';
import type { Delivered } from './delivered.ts';
import { DeliveryError } from './errors.ts';
import { postJson } from './post.ts';
import { retryDelayMs } from './retry.ts';

/** What the dispatcher works with. */
export interface Dispatching {
  alerts: Informer<Alert>;
  providers: Informer<Provider>;
  client: KubeClient;
  readLabels: ReadLabels;
  delivered: Delivered;
  recorder: Recorder;
  tracing: Tracing;
  metrics: Metrics;
  log: Logger;
  /** With this set, an alert only hears of objects of its own namespace. */
  noCrossNamespaceRefs: boolean;
}

/** How an event came: its id on the stream, which try this is (from 1), and its age. */
export interface Delivery {
  id: string;
  attempt: number;
  ageMs: number;
  traceparent?: string;
  signal?: AbortSignal;
}

/**
 * Returns the function that brings one event to every alert that wants it. It resolves with `ack`
 * once each has it or was given up on, or with the time after which those that failed want another
 * try; alerts that have it are left out of that one.
 */
export function createDispatcher(work: Dispatching) {
  const notifications = work.metrics.counter(
    'weir_notifications_total',
    'Notifications by provider type and result (sent, failed, dropped)',
  );

  /** Undefined when the alert is done with the event, else when to try again, in ms. */
  async function deliver(alert: Alert, event: FluxEvent, via: Delivery) {
    const provider = providerOf(work, alert);
    const type = provider?.spec.type ?? 'unknown';
    try {
      if (provider && isSilent(provider, event)) return undefined;
      await send(work, { alert, provider, event, via });
      notifications.add(1, { type, result: 'sent' });
      return undefined;
    } catch (error) {
      // Cut off by our own stop, which is no fault of the receiver: another replica goes on at once.
      if (via.signal?.aborted) return 0;
      const retryInMs = retryDelayMs(error, via.attempt, via.ageMs);
      notifications.add(1, { type, result: retryInMs === undefined ? 'dropped' : 'failed' });
      report(work, { alert, event, via, error, retryInMs });
      return retryInMs;
    }
  }

  return async function dispatch(event: FluxEvent, via: Delivery) {
    const wanting = await alertsFor(work, event);
    const retries = await Promise.all(
      wanting
        .filter((alert) => !work.delivered.has(via.id, uid(alert)))
        // A retry is for those who missed it, not for alerts that came since.
        .filter((alert) => via.attempt === 1 || !cameAfter(alert, event))
        .map(async (alert) => {
          const retryInMs = await deliver(alert, event, via);
          if (retryInMs === undefined) work.delivered.add(via.id, uid(alert));
          return retryInMs;
        }),
    );
    const outstanding = retries.filter((retryInMs) => retryInMs !== undefined);
    if (outstanding.length > 0) return { retryInMs: Math.min(...outstanding) };
    work.delivered.forget(via.id);
    return 'ack' as const;
  };
}

/** The alerts that want `event`; an expression of theirs that doesn't compile is told to its owner. */
async function alertsFor(work: Dispatching, event: FluxEvent): Promise<Alert[]> {
  const wanting: Alert[] = [];
  for (const alert of work.alerts.list()) {
    const elsewhere = alert.metadata.namespace !== event.involvedObject.namespace;
    if (work.noCrossNamespaceRefs && elsewhere) continue;
    const { matches, invalid } = await matchAlert(alert, event, work.readLabels);
    if (invalid.length > 0) {
      warn(work, alert, 'InvalidConfig', `not a regular expression of Go: ${invalid.join(', ')}`);
    }
    if (matches) wanting.push(alert);
  }
  return wanting;
}

/** Messages that nobody waits for: the provider is suspended, or its kind has no use for this event. */
function isSilent({ spec }: Provider, event: FluxEvent): boolean {
  const tellsIt = senderFor(spec.type)?.takesCommitStatus ?? false;
  return Boolean(spec.suspend) || (isCommitStatusUpdate(event) && !tellsIt);
}

interface Sending {
  alert: Alert;
  provider: Provider | undefined;
  event: FluxEvent;
  via: Delivery;
}

async function send(work: Dispatching, { alert, provider, event, via }: Sending): Promise<void> {
  if (!provider) throw missingProvider(alert);
  const sender = senderFor(provider.spec.type);
  const unsupported = unsupportedProvider(provider);
  if (!sender || unsupported.length > 0) throw notYet(provider, unsupported);

  const { event: told, conflicts } = eventForAlert(alert, event);
  if (conflicts.length > 0) {
    const keys = conflicts.join(', ');
    warn(work, alert, 'MetadataAppendFailed', `metadata keys given by several sources: ${keys}`);
  }
  const attributes = {
    'weir.provider.type': provider.spec.type,
    'weir.alert': objectKey(alert),
    'weir.reason': event.reason,
  };
  const parent = via.traceparent ? { parent: via.traceparent } : {};
  await work.tracing.span(`notify ${provider.spec.type}`, { ...parent, attributes }, async () => {
    const target = await resolveTarget(work.client, provider);
    const answer = await postJson(target, sender.message(told, target), via.signal);
    sender.check?.(answer);
  });
}

function providerOf(work: Dispatching, alert: Alert): Provider | undefined {
  return work.providers.get(`${alert.metadata.namespace}/${alert.spec.providerRef.name}`);
}

function missingProvider(alert: Alert): DeliveryError {
  const name = `${alert.metadata.namespace}/${alert.spec.providerRef.name}`;
  return new DeliveryError('ProviderNotFound', `provider '${name}' not found: create it`);
}

function notYet(provider: Provider, fields: string[]): DeliveryError {
  const message = `provider '${objectKey(provider)}' sets what Weir can't do yet: ${fields.join(', ')}`;
  return new DeliveryError('UnsupportedField', message);
}

interface Failure {
  alert: Alert;
  event: FluxEvent;
  via: Delivery;
  error: unknown;
  retryInMs: number | undefined;
}

/** Tells the alert's owner at the first failure and when giving up, and the log each time. */
function report(work: Dispatching, { alert, event, via, error, retryInMs }: Failure): void {
  const { kind, namespace, name } = event.involvedObject;
  const why = error instanceof Error ? error.message : String(error);
  const givenUp = retryInMs === undefined;
  work.log.warn(
    { alert: objectKey(alert), object: `${kind}/${namespace}/${name}`, attempt: via.attempt, why },
    givenUp ? 'gave up on a notification' : 'notification failed, will try again',
  );
  if (via.attempt > 1 && !givenUp) return;
  const ending = givenUp ? '; given up' : '; trying again';
  const message = `failed to dispatch notification for ${kind}/${namespace}/${name}: ${why}${ending}`;
  warn(work, alert, 'NotificationDispatchFailed', message);
}

function warn(work: Dispatching, alert: Alert, reason: string, message: string): void {
  work.recorder.event(alert, { severity: 'error', reason, message });
}

function cameAfter({ metadata }: Alert, event: FluxEvent): boolean {
  return Date.parse(metadata.creationTimestamp ?? '') > Date.parse(event.timestamp);
}

function uid(alert: Alert): string {
  return alert.metadata.uid ?? objectKey(alert);
}
