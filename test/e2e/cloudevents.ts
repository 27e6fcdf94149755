import { connectBus, type StreamName } from '@weir/bus';
import { consumeEvents, type FluxEvent } from '@weir/events';
import { createLogger, createMetrics } from '@weir/telemetry';

/** Collects the events that Weir publishes from now on. The returned list grows until `started` is disposed of. */
export async function cloudEvents(
  started: AsyncDisposableStack,
  servers: string,
): Promise<FluxEvent[]> {
  const log = createLogger({ service: 'handover', level: 'fatal' });
  const metrics = createMetrics({ service: 'handover' });
  // Without the notification service nobody else makes the stream of events.
  const owns: StreamName[] = ['weir-events'];
  const bus = await connectBus({
    servers,
    cluster: 'default',
    name: 'handover',
    owns,
    log,
    metrics,
  });
  await bus.ready;
  const stop = new AbortController();
  const events: FluxEvent[] = [];
  const consuming = consumeEvents(bus, {
    durable: 'handover',
    concurrency: 1,
    signal: stop.signal,
    handle(event) {
      events.push(event);
      return Promise.resolve('ack');
    },
  });
  started.defer(async () => {
    stop.abort();
    await consuming;
    await bus.close();
  });
  return events;
}
