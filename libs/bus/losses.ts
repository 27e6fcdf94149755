import type { Consumer, JetStreamManager } from '@nats-io/jetstream';
import type { Bus } from './bus.ts';

const CHECK_MS = 10_000;

/** The positions of a consumer and its stream. */
export interface Progress {
  /** The number of messages that the consumer has delivered since it exists. */
  deliveries: number;
  /** Sequence number, in the stream, of the last message delivered. */
  delivered: number;
  /** Sequence number of the oldest message in the stream. */
  first: number;
}

/** Returns how many messages were lost since its last call: removed from the stream before they were delivered. */
export type LossCounter = (progress: Progress) => number;

export function createLossCounter(): LossCounter {
  let counted: number | undefined;
  return ({ deliveries, delivered, first }) => {
    const removed = first - 1;
    // Messages that were removed before the consumer was created don't count.
    counted ??= deliveries === 0 ? removed : 0;
    // The stream was made anew.
    if (removed < counted) counted = 0;
    const lost = Math.max(0, removed - Math.max(delivered, counted));
    counted = Math.max(counted, removed);
    return lost;
  };
}

/**
 * Calls `counter` before it resolves and then every ten seconds. It misses a loss that the consumer has caught up with
 * before the next check, and in a stream of several clusters it can't tell whose message was lost. Resolves with a
 * function that ends the checks.
 */
export async function watchLosses(
  bus: Bus,
  jsm: JetStreamManager,
  consumer: Consumer,
  counter: LossCounter,
  onLost: (count: number) => void,
): Promise<() => void> {
  async function check(): Promise<void> {
    const { stream_name: stream, name } = await consumer.info(true);
    const { delivered } = await jsm.consumers.info(stream, name);
    const { state } = await jsm.streams.info(stream);
    const lost = counter({
      deliveries: delivered.consumer_seq,
      delivered: delivered.stream_seq,
      first: state.first_seq,
    });
    if (lost > 0) onLost(lost);
  }
  await check();
  // A check that fails is not reported: the next one comes soon, and the consumer itself reports what is wrong with NATS.
  const look = () => void (bus.connected() && check().catch(() => undefined));
  const timer = setInterval(look, CHECK_MS);
  return () => clearInterval(timer);
}
