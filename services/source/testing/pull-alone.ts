// A process of its own, for tests of what it takes: resolves, pulls and packs an artifact as the service does, and prints
// how that ended. Arguments: a folder, then registry, repository and reference as JSON.
import { join } from 'node:path';
import { createDiskStore } from '@weir/artifact/testing';
import { createPool, createVerifiers } from '@weir/render';
import { createSettings } from '@weir/service';
import { createLogger, createTracing } from '@weir/telemetry';
import { createFetcher, type Wanted } from '../ocirepository/fetch.ts';
import { readContentLimits } from '../shared/limits.ts';

const [, , dir = '', wanted = '{}'] = process.argv;
const { registry, name, ref } = JSON.parse(wanted) as {
  registry: string;
  name: string;
  ref: Wanted['ref'];
};
const log = createLogger({ service: 'test', level: 'fatal' });
const pool = await createPool({ size: 1, log });
const artifactDir = join(dir, 'artifacts');
const fetcher = createFetcher({
  store: createDiskStore(artifactDir),
  pool,
  verifiers: createVerifiers({ log }),
  limits: readContentLimits(createSettings({})),
  dir: artifactDir,
  allowLocal: true,
  environment: {},
  asks: 8,
  pulls: 4,
  tracing: createTracing({ service: 'test' }),
  signal: new AbortController().signal,
});

let outcome: unknown;
try {
  const asked: Wanted = {
    tenant: 'tenant',
    remote: {
      url: `oci://${registry}/${name}`,
      repository: { registry, name },
      access: { registry },
      ...{ accessKey: 'registry', key: 'repository' },
    },
    ref,
    selection: { layerSelector: undefined, ignore: undefined },
    timeoutMs: 120_000,
  };
  outcome = await fetcher.store(asked, await fetcher.resolve(asked, 0));
} catch (error) {
  outcome = { failure: error instanceof Error ? error.message : String(error) };
}
console.log(JSON.stringify(outcome));
await pool.close();
