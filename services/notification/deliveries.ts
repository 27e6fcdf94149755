// Shows people what was delivered, what waits and what was given up: the command `deliveries` of the host.
import { type Bus, openQueue, type QueuedMessage, QueueFull, type WorkQueue } from '@weir/bus';
import type { Logger } from '@weir/telemetry';
import type { DeadLetter } from './delivery/dead-letters.ts';
import { type AlertOutcome, outcomeFilter } from './delivery/outcomes.ts';
import { type Delivery, parseDelivery } from './delivery/record.ts';
import { alertOf, deadLetterFilter, deliveryFilter, deliverySubject } from './delivery/subjects.ts';
import { describeTable } from './delivery/table.ts';

export interface DeliveriesQuestion {
  bus: Bus;
  log: Logger;
  /** All namespaces, and all alerts of it, unless given. */
  namespace?: string;
  alert?: string;
  /** Sends the dead letters once more. */
  replay: boolean;
}

/** Dead letters that are shown, and that one call sends again. */
const SHOWN = 100;
const REPLAYED = 5_000;
const OUTCOMES = 20_000;

/**
 * Describes the deliveries for a person to read, after putting dead letters back if that was asked for. Rejects with
 * BusUnavailable while NATS is away.
 */
export async function describeDeliveries(question: DeliveriesQuestion): Promise<string> {
  const { bus, log, namespace, alert } = question;
  const { cluster } = bus;
  const deliveries = openQueue({ bus, stream: 'weir-deliveries', log });
  const letters = openQueue({ bus, stream: 'weir-dead-letters', log });
  const outcomes = openQueue({ bus, stream: 'weir-outcomes', log });
  const dead = deadLetterFilter(cluster, namespace, alert);
  const replayed = question.replay ? await replay({ cluster, deliveries, letters, dead }) : '';
  const waiting = countByAlert(await deliveries.counts(deliveryFilter(cluster, namespace, alert)));
  const givenUp = countByAlert(await letters.counts(dead));
  const known = await outcomes.oldest(outcomeFilter(cluster, namespace, alert), OUTCOMES);
  const newest = await newestLetters(letters, dead, givenUp);
  return replayed + describeTable({ waiting, givenUp, outcomes: merged(known), letters: newest });
}

function countByAlert(counts: ReadonlyMap<string, number>): Map<string, number> {
  const byAlert = new Map<string, number>();
  for (const [subject, count] of counts) {
    const alert = alertOf(subject);
    byAlert.set(alert, (byAlert.get(alert) ?? 0) + count);
  }
  return byAlert;
}

/** Each replica writes its own results: counts are added, and the later one of two times is used. */
function merged(messages: readonly QueuedMessage[]): Map<string, AlertOutcome> {
  const byAlert = new Map<string, AlertOutcome>();
  for (const { subject, event } of messages) {
    const one = event?.data as AlertOutcome | undefined;
    if (one === undefined) continue;
    const alert = alertOf(subject);
    const { sent, failed, dropped, lastSent, lastFailure } = byAlert.get(alert) ?? NOTHING;
    byAlert.set(alert, {
      sent: sent + one.sent,
      failed: failed + one.failed,
      dropped: dropped + one.dropped,
      ...later('lastSent', lastSent, one.lastSent),
      ...later('lastFailure', lastFailure, one.lastFailure),
    });
  }
  return byAlert;
}

const NOTHING: AlertOutcome = { sent: 0, failed: 0, dropped: 0 };

function later<K extends string, T extends { at: string }>(
  key: K,
  one: T | undefined,
  other: T | undefined,
): { [P in K]?: T } {
  const last = (one?.at ?? '') > (other?.at ?? '') ? one : other;
  return (last === undefined ? {} : { [key]: last }) as { [P in K]?: T };
}

async function newestLetters(
  letters: WorkQueue,
  filter: string,
  counts: ReadonlyMap<string, number>,
): Promise<DeadLetter[]> {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  // The stream is read from its oldest message on.
  const all = total === 0 ? [] : await letters.oldest(filter, Math.min(total, REPLAYED));
  return all.slice(-SHOWN).flatMap(({ event }) => {
    const letter = event?.data as DeadLetter | undefined;
    return parseDelivery(letter) === undefined || letter === undefined ? [] : [letter];
  });
}

/**
 * Each is put into the stream of deliveries before it is removed from the dead letters, so after a kill in between it
 * is sent twice.
 */
async function replay(streams: {
  cluster: string;
  deliveries: WorkQueue;
  letters: WorkQueue;
  dead: string;
}): Promise<string> {
  const { cluster, deliveries, letters, dead } = streams;
  let count = 0;
  for (const message of await letters.oldest(dead, REPLAYED)) {
    const delivery = parseDelivery(message.event?.data);
    if (delivery === undefined) continue;
    try {
      await deliveries.publish(replayOf(cluster, message, delivery));
    } catch (error) {
      if (!(error instanceof QueueFull)) throw error;
      return `${count} dead letters are sent again; there is no room for more, come back later.\n\n`;
    }
    await letters.remove(message);
    count += 1;
  }
  const more = count === REPLAYED ? ' There may be more: run the command again.' : '';
  return `${count} dead letters are sent again.${more}\n\n`;
}

function replayOf(cluster: string, message: QueuedMessage, delivery: Delivery) {
  const { alert, event, object, severity, reason, timestamp } = delivery;
  return {
    subject: deliverySubject(cluster, { alert, object: { ...object, group: object.apiVersion } }),
    id: `replay/${message.atMs}/${message.sequence}`,
    type: 'weir.delivery',
    source: `/clusters/${cluster}/notification`,
    data: { alert, event, object, severity, reason, timestamp } satisfies Delivery,
    traceparent: message.event?.traceparent,
  };
}
