import type { Bus, QueuedMessage, WorkQueue } from '@weir/bus';
import type { Logger, Metrics } from '@weir/telemetry';
import { type Delivery, parseDelivery } from './record.ts';
import { deadLetterFilter, deadLetterSubject, deliveryFilter } from './subjects.ts';

/** Dead letters that are kept for one namespace. */
const KEPT = 1_000;
/** After so many dead letters of a namespace its oldest ones are removed. */
const TIDY_EVERY = 100;
/** Alerts of a namespace that are notified at a time: those with the most losses. */
const MAX_TOLD = 20;
/** Dead letters that are published at a time. */
const BATCH = 200;

/** Why a delivery is given up: after its retries, because its namespace has too many, or because it can't be read. */
export type Cause = 'retries' | 'share' | 'malformed';

export interface DeadLetter extends Partial<Delivery> {
  cause: Cause;
  why: string;
  /** When it became a dead letter, RFC 3339. */
  at: string;
}

export interface DeadLetters {
  /** Moves a delivery to the dead letters. It is removed from the deliveries when the other stream has it. */
  giveUp(message: QueuedMessage, cause: Cause, why: string): Promise<void>;
  /** Stores a dead letter for a message that is no delivery of the stream, as for a group. `id` is unique to it. */
  store(id: string, delivery: Delivery, why: string): Promise<void>;
  /** Moves the oldest deliveries of a namespace there, `count` of them. */
  giveUpOldest(namespace: string, count: number, why: string): Promise<void>;
}

export interface DeadLettersOptions {
  cluster: string;
  bus: Pick<Bus, 'reportMalformed'>;
  deliveries: WorkQueue;
  deadLetters: WorkQueue;
  /** Called for an alert some of whose deliveries were given up as its namespace has too many; `why` is for people. */
  gaveUp?(alert: Delivery['alert'], why: string): void;
  metrics: Metrics;
  log: Logger;
}

export function createDeadLetters(options: DeadLettersOptions): DeadLetters {
  const { cluster, bus, deliveries, deadLetters, log } = options;
  const counted = options.metrics.counter(
    'weir_dead_letters_total',
    'Deliveries that were given up, by cause (retries, share, malformed)',
  );
  const published = new Map<string, number>();

  async function bury(message: QueuedMessage, cause: Cause, why: string): Promise<void> {
    const { event } = message;
    const delivery = parseDelivery(event?.data);
    if (event === undefined || delivery === undefined) {
      // A dead letter names an alert and an event, and this message names neither: the log is the place for it.
      bus.reportMalformed('weir-deliveries', message.subject);
    } else {
      const { id, traceparent } = event;
      await put(`dead/${id}`, { ...delivery, cause, why }, traceparent);
    }
    counted.add(1, { cause });
  }

  async function put(
    id: string,
    letter: Delivery & Omit<DeadLetter, 'at'>,
    traceparent?: string,
  ): Promise<void> {
    const { alert, object } = letter;
    const data: DeadLetter = { ...letter, at: new Date().toISOString() };
    await deadLetters.publish({
      subject: deadLetterSubject(cluster, {
        alert,
        object: { ...object, group: object.apiVersion },
      }),
      id,
      type: 'weir.dead-letter',
      source: `/clusters/${cluster}/notification`,
      data,
      traceparent,
    });
    await tidy(alert.namespace);
  }

  function tellAlerts(messages: readonly QueuedMessage[], why: string): void {
    const alerts = messages.flatMap(({ event }) => parseDelivery(event?.data)?.alert ?? []);
    const byAlert = [...Map.groupBy(alerts, ({ name, uid }) => `${name} ${uid}`).values()];
    const most = byAlert.sort((a, b) => b.length - a.length).slice(0, MAX_TOLD);
    for (const [alert] of most) if (alert !== undefined) options.gaveUp?.(alert, why);
  }

  async function tidy(namespace: string): Promise<void> {
    const count = (published.get(namespace) ?? 0) + 1;
    if (count < TIDY_EVERY) {
      published.set(namespace, count);
      return;
    }
    published.delete(namespace);
    await deadLetters.keepNewest(deadLetterFilter(cluster, namespace), KEPT);
  }

  return {
    async giveUp(message, cause, why) {
      await bury(message, cause, why);
      await deliveries.remove(message);
    },
    async store(id, delivery, why) {
      await put(`dead/${id}`, { ...delivery, cause: 'retries', why });
      counted.add(1, { cause: 'retries' });
    },
    async giveUpOldest(namespace, count, why) {
      const filter = deliveryFilter(cluster, namespace);
      const oldest = await deliveries.oldest(filter, count);
      for (let start = 0; start < oldest.length; start += BATCH) {
        const batch = oldest.slice(start, start + BATCH);
        await Promise.all(batch.map((message) => bury(message, 'share', why)));
      }
      const last = oldest.at(-1);
      if (last === undefined) return;
      await deliveries.removeUpTo(filter, last.sequence);
      log.warn({ namespace, deliveries: oldest.length, why }, 'Notifications were given up unsent');
      tellAlerts(oldest, why);
    },
  };
}
