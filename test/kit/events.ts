// The events that Weir publishes over NATS, for tests that compare them with what was delivered.
import { type Bus, connectBus, type StreamName } from '@weir/bus';
import { consumeEvents, type FluxEvent } from '@weir/events';
import { createLogger, createMetrics } from '@weir/telemetry';

/** One event as it was received. */
export interface PublishedEvent {
  /** The id of its CloudEvent. */
  id: string;
  event: FluxEvent;
  traceparent: string | undefined;
}

/** Calls `record` with every event that is published from now on, until the stack is disposed of. */
export function recordEvents(
  stack: AsyncDisposableStack,
  bus: Bus,
  record: (published: PublishedEvent) => void,
): void {
  const stop = new AbortController();
  const consuming = consumeEvents(bus, {
    durable: 'test',
    concurrency: 1,
    signal: stop.signal,
    async handle(event, { id, traceparent }) {
      record({ id, event, traceparent });
      return 'ack';
    },
  });
  stack.defer(async () => {
    stop.abort();
    await consuming;
  });
}

/** Like `recordEvents`, over a connection of its own to the NATS server. */
export async function recordEventsOf(
  stack: AsyncDisposableStack,
  servers: string,
  record: (published: PublishedEvent) => void,
): Promise<void> {
  const log = createLogger({ service: 'test', level: 'fatal' });
  const metrics = createMetrics({ service: 'test' });
  // Where the notification service doesn't run, no other process makes the stream of events.
  const owns: StreamName[] = ['weir-events'];
  const bus = await connectBus({ servers, cluster: 'default', name: 'test', owns, log, metrics });
  stack.defer(() => bus.close());
  await bus.ready;
  recordEvents(stack, bus, record);
}
