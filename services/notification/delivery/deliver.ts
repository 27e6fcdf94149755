// From a delivery to its receiver: delivery -> alert, event, provider -> message -> removed from the stream.
// Where deliveries come from is in alerts/route.ts, in which order they are tried in lanes.ts.
import type { Alert, Provider } from '@weir/api';
import { orAborted } from '@weir/async';
import { BusUnavailable, type Head, type QueuedMessage, type WorkQueue } from '@weir/bus';
import type { Informer } from '@weir/controller';
import type { FluxEvent } from '@weir/events';
import { type MatchContext, matchAlert } from '../alerts/match.ts';
import { isRecovery } from '../grouping/class.ts';
import type { Groups } from '../grouping/groups.ts';
import { type Grouping, groupingOf } from '../grouping/settings.ts';
import { timeLimitMs } from '../providers/read-target.ts';
import { isSilent, providerOf } from '../providers/silent.ts';
import type { DeadLetters } from './dead-letters.ts';
import { DeliveryError } from './errors.ts';
import type { ReadEvent } from './events.ts';
import type { Attempt, AttemptResult } from './lanes.ts';
import { type Delivery, parseDelivery } from './record.ts';
import type { Reports } from './report.ts';
import { retryDelayMs } from './retry.ts';
import type { Send } from './send.ts';
import { createSent } from './sent.ts';

export interface Delivering {
  deliveries: WorkQueue;
  deadLetters: DeadLetters;
  /** The present state of the alert of a delivery; undefined when it is gone. */
  currentAlert(delivery: Delivery): Promise<Alert | undefined>;
  readEvent: ReadEvent;
  providers: Pick<Informer<Provider>, 'get'>;
  matching: MatchContext;
  send: Send;
  groups: Pick<Groups, 'failed' | 'recovered'>;
  /** The window for an alert to a chat without `spec.grouping`, in ms; 0 for none. */
  defaultWindowMs: number;
  reports: Reports;
}

/**
 * Returns the function that makes one attempt at a delivery. It ends with `done` once the delivery is removed from the
 * stream: sent, not wanted after all, or moved to the dead letters. Rejects only for problems with NATS and with the
 * API server, and when it is interrupted; then the delivery is still there.
 */
export function createDeliver(work: Delivering) {
  const sent = createSent();

  return async function deliver(head: Head, attempt: Attempt): Promise<AttemptResult> {
    const message = await work.deliveries.get(head);
    if (message === undefined) return 'done';
    if (sent.has(message)) return remove(message);
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
    const grouping = groupingOf(alert, provider, work.defaultWindowMs);
    if (grouping !== undefined && !alert.spec.suspend && isRecovery(event)) {
      // The message that closes the group reports it, so no other message is sent.
      if (await work.groups.recovered({ alert: delivery.alert, event })) return remove(message);
    }
    if (isSilent(provider, event)) return remove(message);

    const limit = AbortSignal.timeout(timeLimitMs(provider));
    const signal = AbortSignal.any([attempt.signal, limit]);
    const sending = { message, alert, provider, delivery, event, attempt, signal };
    try {
      const wanted = await orAborted(isWanted(sending), signal);
      if (wanted && !(await isGrouped(sending, grouping))) await send(sending);
    } catch (error) {
      // Interrupted by the stop of this process, or by NATS, which is no fault of the receiver.
      if (attempt.signal.aborted || error instanceof BusUnavailable) throw error;
      return failed(limit.aborted ? outOfTime(provider, error) : error, sending);
    }
    sent.add(message);
    return remove(message);
  };

  async function remove(message: QueuedMessage): Promise<'done'> {
    await work.deliveries.remove(message);
    return 'done';
  }

  async function isWanted({ alert, delivery, event }: Sending): Promise<boolean> {
    const { id } = delivery.event;
    const { matches, invalid, missing } = await matchAlert(alert, { id, event }, work.matching);
    if (missing) work.reports.missingObject(alert, event);
    if (invalid.length > 0) work.reports.invalidPatterns(alert, invalid);
    return matches;
  }

  /** Whether the event is a failure that is reported in the message of its group. */
  async function isGrouped(
    { delivery, event }: Sending,
    grouping: Grouping | undefined,
  ): Promise<boolean> {
    if (grouping === undefined || event.severity !== 'error') return false;
    return work.groups.failed({ alert: delivery.alert, of: delivery.event, event });
  }

  async function send({
    message,
    delivery,
    alert,
    provider,
    event,
    signal,
  }: Sending): Promise<void> {
    await work.send({
      ...{ alert, provider, event, signal },
      id: message.event?.id ?? `${message.sequence}`,
      order: delivery.event.sequence,
      traceparent: message.event?.traceparent,
    });
  }

  async function failed(error: unknown, what: Sending): Promise<AttemptResult> {
    const { message, alert, provider, event, attempt } = what;
    const retryInMs = retryDelayMs(error, attempt.number, Date.now() - message.atMs);
    const why = error instanceof Error ? error.message : String(error);
    work.reports.failure({ alert, provider, event, why, attempt: attempt.number, retryInMs });
    if (retryInMs !== undefined) return { retryInMs };
    await work.deadLetters.giveUp(message, 'retries', why);
    return 'done';
  }

  /**
   * Its event is no longer in the stream, because of its age or the bound of its namespace: there is nothing to send
   * any more.
   */
  async function lost(message: QueuedMessage, alert: Alert, delivery: Delivery) {
    const why = 'the event is no longer in its stream';
    work.reports.lostEvent(alert, delivery, why);
    await work.deadLetters.giveUp(message, 'retries', why);
    return 'done' as const;
  }
}

interface Sending {
  message: QueuedMessage;
  alert: Alert;
  provider: Provider | undefined;
  delivery: Delivery;
  event: FluxEvent;
  attempt: Attempt;
  /** Aborts with the attempt's signal, and at the time limit. */
  signal: AbortSignal;
}

/** A receiver that didn't answer in time has an error of its own; any other step that took too long is named here. */
function outOfTime(provider: Provider | undefined, error: unknown): DeliveryError {
  if (error instanceof DeliveryError) return error;
  const ms = timeLimitMs(provider);
  const message = `not ready to send within ${ms} ms: labels, patterns or secrets took too long`;
  return new DeliveryError('Timeout', message, { permanent: false, cause: error });
}
