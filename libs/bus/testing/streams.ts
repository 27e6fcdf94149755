import { createLogger, createMetrics } from '@weir/telemetry';
import { connectBus } from '../bus.ts';
import type { StreamName } from '../definitions.ts';

/**
 * Makes streams in place of the services that own them, where a test or a benchmark runs without these. Resolves, when
 * the streams are there, with what disconnects again; the streams stay.
 */
export async function makeStreams(
  servers: string,
  owns: readonly StreamName[],
): Promise<() => Promise<void>> {
  const log = createLogger({ service: 'streams', level: 'warn' });
  const metrics = createMetrics({ service: 'streams' });
  const bus = await connectBus({
    servers,
    cluster: 'default',
    name: 'streams',
    owns,
    log,
    metrics,
  });
  await bus.ready;
  return () => bus.close(0);
}
