// A consumer that gets an event, says so to its parent, and never ends its work.
import { createLogger, createMetrics } from '@weir/telemetry';
import { connectBus } from '../bus.ts';
import { consumeEvents } from '../consume.ts';

const [, , servers = ''] = process.argv;
const log = createLogger({ service: 'crashing', level: 'error' });
const metrics = createMetrics({ service: 'crashing' });
const bus = await connectBus({ servers, cluster: 'test', name: 'crashing', log, metrics });
await consumeEvents(bus, {
  durable: 'notification',
  concurrency: 1,
  ackWaitMs: 1_000,
  signal: new AbortController().signal,
  handle: async (event) => {
    process.send?.(event.message);
    return new Promise(() => undefined);
  },
});
