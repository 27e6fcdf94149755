// From a delivery to its receiver: delivery -> alert, event, provider -> message -> removed from the stream.
// Where deliveries come from is in alerts/route.ts, in which order they are tried in lanes.ts.
import type { Alert, Provider } from '@weir/api';
import { createBoundedMap, orAborted } from '@weir/async';
import type { Head, QueuedMessage, WorkQueue } from '@weir/bus';
import type { Informer } from '@weir/controller';
import type { FluxEvent } from '@weir/events';
import { objectKey } from '@weir/kube';
import type { Tracing } from '@weir/telemetry';
import { type Looking, matchAlert } from '../alerts/match.ts';
import { eventForAlert } from '../alerts/metadata.ts';
import type { IoFor } from '../providers/io/io.ts';
import { type ReadTarget, timeLimitMs } from '../providers/read-target.ts';
import { isSilent, providerOf } from '../providers/silent.ts';
import { typeOf, unsupportedProvider } from '../providers/types.ts';
import type { DeadLetters } from './dead-letters.ts';
import { DeliveryError } from './errors.ts';
import type { ReadEvent } from './events.ts';
import type { Attempt, AttemptResult } from './lanes.ts';
import { type Delivery, parseDelivery } from './record.ts';
import type { Reports } from './report.ts';
import { retryDelayMs } from './retry.ts';

export interface Delivering {
  deliveries: WorkQueue;
  deadLetters: DeadLetters;
  /** The alert that a delivery is for, as it is now; undefined when it is gone. */
  currentAlert(delivery: Delivery): Promise<Alert | undefined>;
  readEvent: ReadEvent;
  providers: Pick<Informer<Provider>, 'get'>;
  looking: Looking;
  readTarget: ReadTarget;
  ioFor: IoFor;
  reports: Reports;
  tracing: Tracing;
}

/** Messages that were sent and could not be removed from the stream since: these are not sent again. */
const MAX_SENT = 10_000;

/**
 * Returns the function that makes one attempt at a delivery. It ends with `done` once the delivery is removed from the
 * stream: sent, not wanted after all, or moved to the dead letters. Rejects only for troubles with NATS and with the API
 * server, and when it is cut off; then the delivery is still there.
 */
export function createDeliver(work: Delivering) {
  const sent = createBoundedMap<string, true>({ max: MAX_SENT });

  return async function deliver(head: Head, attempt: Attempt): Promise<AttemptResult> {
    const message = await work.deliveries.get(head);
    if (message === undefined) return 'done';
    if (sent.get(sentKey(message)) === true) return remove(message);
    const delivery = parseDelivery(message.event?.data);
    if (delivery === undefined) {
      await work.deadLetters.giveUp(message, 'malformed', 'the stream holds no delivery');
      return 'done';
    }
    const alert = await work.currentAlert(delivery);
    if (alert === undefined) return remove(message);
    const event = await work.readEvent(delivery.event);
    if (event === undefined) return lost(message, alert, delivery);
    const provider = providerOf(work.providers, alert);
    if (isSilent(provider, event)) return remove(message);

    const limit = AbortSignal.timeout(timeLimitMs(provider));
    const signal = AbortSignal.any([attempt.signal, limit]);
    const { id, sequence: order } = delivery.event;
    const sending = { message, alert, provider, id, order, event, attempt, signal };
    try {
      const wanted = await orAborted(isWanted(sending), signal);
      if (wanted) await send(sending);
    } catch (error) {
      // Cut off by our own stop, which is no fault of the receiver: another replica goes on at once.
      if (attempt.signal.aborted) throw error;
      return failed(limit.aborted ? outOfTime(provider, error) : error, sending);
    }
    sent.set(sentKey(message), true);
    return remove(message);
  };

  async function remove(message: QueuedMessage): Promise<'done'> {
    await work.deliveries.remove(message);
    sent.delete(sentKey(message));
    return 'done';
  }

  async function isWanted({ alert, id, event }: Sending): Promise<boolean> {
    const { matches, invalid, missing } = await matchAlert(alert, { id, event }, work.looking);
    if (missing) work.reports.missingObject(alert, event);
    if (invalid.length > 0) work.reports.invalidPatterns(alert, invalid);
    return matches;
  }

  async function send({ alert, provider, event, order, message, signal }: Sending): Promise<void> {
    if (provider === undefined) throw missingProvider(alert);
    const type = typeOf(provider);
    const unsupported = unsupportedProvider(provider);
    if (type === undefined || unsupported.length > 0) throw notYet(provider, unsupported);

    const { event: completed, conflicts } = eventForAlert(alert, event);
    if (conflicts.length > 0) work.reports.metadataConflicts(alert, conflicts);
    const attributes = {
      'weir.provider.type': provider.spec.type,
      'weir.alert': objectKey(alert),
      'weir.reason': event.reason,
    };
    const traceparent = message.event?.traceparent;
    const parent = traceparent === undefined ? {} : { parent: traceparent };
    await work.tracing.span(`notify ${provider.spec.type}`, { ...parent, attributes }, async () => {
      const target = await work.readTarget(provider, signal);
      const id = message.event?.id ?? sentKey(message);
      const attempted = { alert, event: completed, order, id, signal };
      await type.send(completed, target, work.ioFor(target, attempted));
    });
    work.reports.count('sent', provider);
  }

  async function failed(error: unknown, what: Sending): Promise<AttemptResult> {
    const { message, alert, provider, event, attempt } = what;
    const retryInMs = retryDelayMs(error, attempt.number, Date.now() - message.atMs);
    const why = error instanceof Error ? error.message : String(error);
    work.reports.failure({ alert, event, why, attempt: attempt.number, retryInMs });
    work.reports.count(retryInMs === undefined ? 'dropped' : 'failed', provider);
    if (retryInMs !== undefined) return { retryInMs };
    await work.deadLetters.giveUp(message, 'retries', why);
    return 'done';
  }

  /** Its event fell out of the stream, by age or by the bound of its namespace: there is nothing to send any more. */
  async function lost(message: QueuedMessage, alert: Alert, delivery: Delivery) {
    const why = 'the event is no longer in its stream';
    work.reports.lostEvent(alert, delivery, why);
    work.reports.count('dropped');
    await work.deadLetters.giveUp(message, 'retries', why);
    return 'done' as const;
  }
}

function sentKey({ subject, sequence }: Head): string {
  return `${sequence} ${subject}`;
}

interface Sending {
  message: QueuedMessage;
  alert: Alert;
  provider: Provider | undefined;
  /** Id of the event. */
  id: string;
  /** The event's place in its stream. */
  order: number;
  event: FluxEvent;
  attempt: Attempt;
  /** Aborts with the attempt's, and when its time is over. */
  signal: AbortSignal;
}

/** What the receiver didn't answer in time says so itself; anything else that took too long is named here. */
function outOfTime(provider: Provider | undefined, error: unknown): DeliveryError {
  if (error instanceof DeliveryError) return error;
  const ms = timeLimitMs(provider);
  const message = `not ready to send within ${ms} ms: labels, patterns or secrets took too long`;
  return new DeliveryError('Timeout', message, { permanent: false, cause: error });
}

function missingProvider(alert: Alert): DeliveryError {
  const name = `${alert.metadata.namespace}/${alert.spec.providerRef.name}`;
  return new DeliveryError('ProviderNotFound', `provider '${name}' not found: create it`);
}

function notYet(provider: Provider, fields: string[]): DeliveryError {
  const message = `provider '${objectKey(provider)}' sets what Weir can't do yet: ${fields.join(', ')}`;
  return new DeliveryError('UnsupportedField', message);
}
