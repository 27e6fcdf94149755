import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsumerMessages } from '@nats-io/jetstream';
import type { Bus } from './bus.ts';

/** What a reading can't go on after: the consumer or the stream is gone, or the server doesn't answer. */
const TROUBLE = new Set<string>([
  'heartbeats_missed',
  'consumer_not_found',
  'consumer_deleted',
  'stream_not_found',
  'no_responders',
]);

/**
 * Ends a reading when it can't go on, when the bus goes away and when `signal` aborts, so that its reader
 * begins anew from what it knows. Returns the way to stop watching.
 */
export function stopOnTrouble(
  bus: Bus,
  messages: ConsumerMessages,
  signal: AbortSignal,
): () => void {
  const stop = () => messages.stop();
  const stopWatching = bus.onDisconnect(stop);
  signal.addEventListener('abort', stop, { once: true });
  void watch(bus, messages);
  if (signal.aborted || !bus.connected()) stop();
  return () => {
    stopWatching();
    signal.removeEventListener('abort', stop);
  };
}

async function watch(bus: Bus, messages: ConsumerMessages): Promise<void> {
  for await (const { type } of messages.status()) {
    if (!TROUBLE.has(type)) continue;
    if (type === 'stream_not_found' || type === 'no_responders') bus.recheck();
    messages.stop();
  }
}

/** Waits `ms`, or less when `signal` aborts. Never rejects. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
