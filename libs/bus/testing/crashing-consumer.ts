// A consumer that receives an event, notifies its parent, and never finishes its work.
import { createLogger, createMetrics } from '@weir/telemetry';
import { connectBus } from '../bus.ts';
import { consumeStream } from '../consume.ts';

const [, , servers = ''] = process.argv;
const log = createLogger({ service: 'crashing', level: 'error' });
const metrics = createMetrics({ service: 'crashing' });
const bus = await connectBus({ servers, cluster: 'test', name: 'crashing', log, metrics });
await consumeStream<string>(bus, {
  stream: 'weir-events',
  filter: 'weir.event.>',
  parse: String,
  durable: 'notification',
  concurrency: 1,
  ackWaitMs: 1_000,
  signal: new AbortController().signal,
  handle: async (text) => {
    process.send?.(text);
    return new Promise(() => undefined);
  },
});
