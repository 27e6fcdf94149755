import type { Consumer, JetStreamManager } from '@nats-io/jetstream';
import type { Bus } from './bus.ts';

const CHECK_MS = 10_000;

/** Where a consumer and its stream are. */
export interface Progress {
  /** Messages that the consumer has delivered, ever. */
  deliveries: number;
  /** Sequence number, in the stream, of the last message delivered. */
  delivered: number;
  /** Sequence number of the oldest message that is left in the stream. */
  first: number;
}

/** Tells how many messages were lost since it was last asked: removed from the stream before they were delivered. */
export type LossCounter = (progress: Progress) => number;

export function createLossCounter(): LossCounter {
  let counted: number | undefined;
  return ({ deliveries, delivered, first }) => {
    const removed = first - 1;
    // What went before the consumer was made was never promised to it.
    counted ??= deliveries === 0 ? removed : 0;
    // The stream was made anew.
    if (removed < counted) counted = 0;
    const lost = Math.max(0, removed - Math.max(delivered, counted));
    counted = Math.max(counted, removed);
    return lost;
  };
}

/**
 * Asks `counter` before it resolves and then every ten seconds; what is lost and caught up with in between isn't
 * seen. On a stream that several clusters share it can't tell whose message it was. Resolves with the way to stop.
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
  // A look that fails is done again by the next one; what failed it shows in the reading itself.
  const look = () => void (bus.connected() && check().catch(() => undefined));
  const timer = setInterval(look, CHECK_MS);
  return () => clearInterval(timer);
}
