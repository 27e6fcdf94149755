import type { TestContext } from 'node:test';
import { createLogger, createMetrics, type Logger } from '@weir/telemetry';
import { type Bus, type BusOptions, connectBus } from '../bus.ts';
import { STREAMS } from '../definitions.ts';

/** A bus for a test, closed at its end. It creates all streams. Tests can read what it logs and counts. */
export async function testBus(
  t: TestContext,
  servers: string,
  options: Partial<BusOptions> = {},
): Promise<Bus & { lines: string[]; log: Logger }> {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const log = createLogger({ service: 'test', level: 'debug', destination });
  const metrics = createMetrics({ service: 'test' });
  const bus = await connectBus({
    servers,
    cluster: 'test',
    name: 'test',
    owns: STREAMS,
    log,
    metrics,
    ...options,
  });
  t.after(() => bus.close(100));
  return Object.assign(bus, { lines, log });
}
