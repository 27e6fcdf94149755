// Routes events and delivers them to the address that it is given, until it is killed: a process that a test has many of,
// one after another.
import type { Provider } from '@weir/api';
import { Provider as ProviderKind } from '@weir/api';
import { createFairLimit } from '@weir/async';
import { connectBus, openQueue } from '@weir/bus';
import { consumeEvents, storedEvent } from '@weir/events';
import { createLogger, createMetrics, createTracing } from '@weir/telemetry';
import { createDeliver } from '../delivery/deliver.ts';
import { followQueue } from '../delivery/follow.ts';
import { createLanes } from '../delivery/lanes.ts';
import { createPosts } from '../delivery/posts.ts';
import type { Reports } from '../delivery/report.ts';
import { createSend } from '../delivery/send.ts';
import { deliveryFilter } from '../delivery/subjects.ts';
import { createWholeEvents } from '../events/whole.ts';
import { createHttp } from '../providers/io/http.ts';
import { createIo } from '../providers/io/io.ts';
import { createLookup } from '../providers/io/lookup.ts';
import { targetOf } from './fixtures.ts';
import { alertIn, routerTo } from './routing.ts';

const [, , servers = '', address = ''] = process.argv;
const alert = alertIn('a');
const provider: Provider = {
  apiVersion: ProviderKind.apiVersion,
  kind: 'Provider',
  metadata: { name: 'chat', namespace: 'a' },
  spec: { type: 'generic', address },
};
const log = createLogger({ service: 'delivering', level: 'error' });
const metrics = createMetrics({ service: 'delivering' });
const bus = await connectBus({
  servers,
  cluster: 'test',
  name: 'delivering',
  service: 'notification',
  log,
  metrics,
});
const nothing = () => undefined;
const reports: Reports = {
  sent: nothing,
  failure: nothing,
  lostEvent: nothing,
  missingObject: nothing,
  refusedSource: nothing,
  invalidPatterns: nothing,
  metadataConflicts: nothing,
  failedTemplate: nothing,
};
const deliveries = openQueue({ bus, stream: 'weir-deliveries', log });
const { route, deadLetters } = routerTo({ bus, deliveries, metrics, log });
const network = { resolverFor: createLookup({ concurrency: 2 }), allowLocal: true };
const unused = () => {
  throw new Error('an alert to a generic webhook needs this for nothing');
};
const deliver = createDeliver({
  ...{ deliveries, deadLetters, reports },
  currentAlert: async () => alert,
  readEvent: (of) => storedEvent(bus, of),
  providers: { get: () => provider },
  matching: { readLabels: unused, matchList: unused },
  send: createSend({
    readTarget: async () => targetOf({ address }),
    ioFor: createIo(
      network,
      createHttp(network),
      () => unused,
      createPosts(bus),
      () => unused,
    ),
    wholeEvents: createWholeEvents(bus),
    applyTemplate: async ({ event }) => event,
    reports,
    tracing: createTracing({ service: 'delivering' }),
  }),
  groups: { failed: async () => false, recovered: async () => false },
  defaultWindowMs: 0,
});
const lanes = createLanes({
  owns: () => true,
  slots: createFairLimit(16),
  attempt: deliver,
  available: (until) => bus.available(until),
  log,
});
const { signal } = new AbortController();
await Promise.all([
  followQueue({
    filter: deliveryFilter('test'),
    queue: deliveries,
    membership: { onChange: () => () => undefined },
    ...{ lanes, signal },
  }),
  consumeEvents(bus, {
    ...{ durable: 'notification', concurrency: 64, ackWaitMs: 1_000, ordered: true },
    ...{ signal, handle: route },
  }),
]);
