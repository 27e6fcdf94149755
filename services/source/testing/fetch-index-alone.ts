// A process of its own, for tests of what it takes: fetches, reads and stores an index of charts as the service does, looks
// for a chart in it, and prints how that ended. Arguments: a folder, the URL of the repository, and the largest index in bytes.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createDiskStore } from '@weir/artifact/testing';
import { createPool } from '@weir/render';
import { createLogger, createTracing } from '@weir/telemetry';
import { createChartClients } from '../shared/charts/clients.ts';
import { createIndexes } from '../shared/charts/indexes.ts';

const [, , dir = '', url = '', maxBytes = ''] = process.argv;
const log = createLogger({ service: 'test', level: 'fatal' });
const pool = await createPool({ size: 1, log });
const { signal } = new AbortController();
const indexes = createIndexes({
  ...{ store: createDiskStore(join(dir, 'store')), pool, signal, maxBytes: Number(maxBytes) },
  ...{ dir: join(dir, 'indexes'), workDir: join(dir, 'work') },
  clients: createChartClients({ allowLocal: true, environment: {}, signal }),
  tracing: createTracing({ service: 'test' }),
});

let outcome: unknown;
try {
  const access = { url, tenant: 'tenant', timeoutMs: 120_000, client: { url }, key: url };
  const { size, snapshot } = await indexes.fetch(access, undefined);
  const lookup = await indexes.lookup(snapshot?.digest ?? '', 'tenant');
  outcome = { size, stored: (snapshot?.size ?? 0) > 0, lookup: (await stat(lookup)).size > 0 };
} catch (error) {
  outcome = { failure: error instanceof Error ? error.message : String(error) };
}
console.log(JSON.stringify(outcome));
await pool.close();
