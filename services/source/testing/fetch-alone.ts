// A process of its own, for tests of what it takes: resolves, fetches and packs a repository as the service does, and
// prints how that ended. Arguments: a folder, then the wanted remote as JSON.
import { join } from 'node:path';
import { createDiskStore } from '@weir/artifact/testing';
import {
  createGitSlots,
  createRepositoryCache,
  defaultGitLimits,
  defaultTreeLimits,
} from '@weir/git';
import { createPool } from '@weir/render';
import { createLogger, createTracing } from '@weir/telemetry';
import type { Wanted } from '../gitrepository/conversation.ts';
import { createFetcher } from '../gitrepository/fetch.ts';

const [, , dir = '', wanted = '{}'] = process.argv;
const { url, ref } = JSON.parse(wanted) as { url: string; ref: Wanted['ref'] };
const log = createLogger({ service: 'test', level: 'fatal' });
const { signal } = new AbortController();
const slots = createGitSlots(16);
const artifactDir = join(dir, 'artifacts');
const pool = await createPool({ size: 1, log });
const fetcher = createFetcher({
  repositories: await createRepositoryCache(join(dir, 'git'), {
    maxBytes: 1024 ** 3,
    limits: defaultGitLimits,
    slot: (work) => work(),
    log,
    signal,
  }),
  artifacts: createDiskStore(artifactDir),
  pool,
  limits: defaultTreeLimits,
  slots,
  gitLimits: defaultGitLimits,
  network: { allowLocal: true },
  artifactDir,
  maxPackedBytes: 128 * 1024 ** 2,
  tracing: createTracing({ service: 'test' }),
  signal,
});

let outcome: unknown;
try {
  const timeoutMs = 120_000;
  const remote = { url, key: 'repository' };
  const asked: Wanted = { tenant: 'tenant', remote, ref, timeoutMs };
  const resolved = await fetcher.resolve(asked);
  outcome = await fetcher.store(asked, resolved, { includes: [] });
} catch (error) {
  outcome = { failure: error instanceof Error ? error.message : String(error) };
}
console.log(JSON.stringify(outcome));
await pool.close();
