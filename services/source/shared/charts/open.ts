// What HelmRepositories and HelmCharts share: connections and indexes.
import { join } from 'node:path';
import type { Settings } from '@weir/service';
import { type ChartClients, createChartClients } from './clients.ts';
import { createIndexes, type Indexes, type IndexesOptions } from './indexes.ts';

export interface Charts {
  clients: ChartClients;
  indexes: Indexes;
  /** Folder for files that are being made; the engine makes folders beside them. */
  workDir: string;
}

/** Flux's default. */
const MAX_INDEX_BYTES = 50 * 1024 ** 2;

/** Opens no connection, and starts nothing. */
export function openCharts({
  settings,
  storageDir,
  ...options
}: Pick<IndexesOptions, 'store' | 'pool' | 'tracing' | 'signal'> & {
  settings: Settings;
  storageDir: string;
}): Charts {
  const { signal } = options;
  const clients = createChartClients({
    allowLocal: settings.boolean('allow-local-addresses', false),
    environment: process.env,
    signal,
  });
  const workDir = join(storageDir, 'charts', 'work');
  const indexes = createIndexes({
    ...options,
    ...{ clients, workDir },
    dir: join(storageDir, 'charts', 'indexes'),
    maxBytes: settings.number('helm-index-max-bytes', MAX_INDEX_BYTES, { min: 1 }),
  });
  return { clients, indexes, workDir };
}
