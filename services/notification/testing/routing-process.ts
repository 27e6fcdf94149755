// Routes events into deliveries, says so to its parent, and delivers nothing: killed, it dies between match and delivery.
import { connectBus, openQueue } from '@weir/bus';
import { consumeEvents } from '@weir/events';
import { createLogger, createMetrics } from '@weir/telemetry';
import { routerTo } from './routing.ts';

const [, , servers = ''] = process.argv;
const log = createLogger({ service: 'routing', level: 'error' });
const metrics = createMetrics({ service: 'routing' });
const bus = await connectBus({
  servers,
  cluster: 'test',
  name: 'routing',
  service: 'notification',
  log,
  metrics,
});
const deliveries = openQueue({ bus, stream: 'weir-deliveries', log });
const { route } = routerTo({ bus, deliveries, metrics, log });
await consumeEvents(bus, {
  durable: 'notification',
  concurrency: 1,
  ackWaitMs: 1_000,
  ordered: true,
  signal: new AbortController().signal,
  handle: async (event, context) => {
    const outcome = await route(event, context);
    process.send?.(event.message);
    // The event stays unacknowledged, as if the process had died a moment earlier.
    if (event.message === 'last words') return new Promise(() => undefined);
    return outcome;
  },
});
