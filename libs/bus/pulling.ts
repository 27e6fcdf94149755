import type { ConsumerMessages } from '@nats-io/jetstream';
import type { Bus } from './bus.ts';
import type { StreamName } from './definitions.ts';

/** Notices after which a reader can't continue: the consumer or the stream is gone, or the server doesn't answer. */
const TROUBLE = new Set<string>([
  'heartbeats_missed',
  'consumer_not_found',
  'consumer_deleted',
  'stream_not_found',
  'no_responders',
]);

/**
 * Ends a reading when it can't continue, when the bus goes away and when `signal` aborts, so that its reader starts
 * again from its position. Calls `onStop` then. Returns a function that ends the observation.
 */
export function stopOnTrouble(
  bus: Bus,
  stream: StreamName,
  messages: ConsumerMessages,
  signal: AbortSignal,
  onStop?: () => void,
): () => void {
  const stop = () => {
    onStop?.();
    messages.stop();
  };
  const stopWatching = bus.onDisconnect(stop);
  signal.addEventListener('abort', stop, { once: true });
  void watch(bus, stream, messages, stop);
  if (signal.aborted || !bus.connected()) stop();
  return () => {
    stopWatching();
    signal.removeEventListener('abort', stop);
  };
}

async function watch(
  bus: Bus,
  stream: StreamName,
  messages: ConsumerMessages,
  stop: () => void,
): Promise<void> {
  for await (const { type } of messages.status()) {
    if (!TROUBLE.has(type)) continue;
    if (type === 'stream_not_found' || type === 'no_responders') bus.streamMissing(stream);
    stop();
  }
}
