import type { Consumer, JetStreamManager } from '@nats-io/jetstream';
import type { Bus } from './bus.ts';

const CHECK_MS = 10_000;

/**
 * Counts the messages that a stream's limits removed before `consumer` got them: the stream begins after the
 * last one delivered. It looks every ten seconds, so what is lost and caught up with in between isn't seen, and
 * on a stream that several clusters share it can't tell whose message it was. Returns the way to stop.
 */
export function watchLosses(
  bus: Bus,
  jsm: JetStreamManager,
  consumer: Consumer,
  onLost: (count: number) => void,
  everyMs = CHECK_MS,
): () => void {
  let counted = 0;
  async function check(): Promise<void> {
    const { stream_name: stream, name } = await consumer.info(true);
    const { delivered } = await jsm.consumers.info(stream, name);
    const { state } = await jsm.streams.info(stream);
    const lost = lostBetween(Math.max(delivered.stream_seq, counted), state.first_seq);
    counted = Math.max(counted, state.first_seq - 1);
    if (lost > 0) onLost(lost);
  }
  // A look that fails is done again by the next one; what failed it shows in the reading itself.
  const look = () => void (bus.connected() && check().catch(() => undefined));
  look();
  const timer = setInterval(look, everyMs);
  return () => clearInterval(timer);
}

/** How many sequence numbers lie between the last one seen and the first one that is left. */
export function lostBetween(seen: number, first: number): number {
  return Math.max(0, first - 1 - seen);
}
