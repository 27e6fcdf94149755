import { deepEqual, equal, match, notEqual, rejects } from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createDiskStore } from '@weir/artifact/testing';
import { type ChartRepository, startChartRepository } from '@weir/cluster';
import { createPool, type RenderPool } from '@weir/render';
import { createLogger, createTracing } from '@weir/telemetry';
import type { Access } from './access.ts';
import { createChartClients } from './clients.ts';
import { createIndexes, type Indexes } from './indexes.ts';

const INDEX = 'apiVersion: v1\nentries:\n  app:\n  - {name: app, version: 1.0.0, urls: [a.tgz]}\n';

describe('indexes of chart repositories', () => {
  const stop = new AbortController();
  let dir: string;
  let server: ChartRepository;
  let pool: RenderPool;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'weir-indexes-'));
    server = await startChartRepository();
    pool = await createPool({ log: createLogger({ service: 'test', level: 'fatal' }) });
  });
  after(async () => {
    stop.abort();
    await pool.close();
    await server.close();
    await rm(dir, { recursive: true, force: true });
  });

  function open(
    name: string,
    maxBytes = 1024 ** 2,
  ): Indexes & Record<'store' | 'kept' | 'workDir', string> {
    const { signal } = stop;
    const at = (folder: string) => join(dir, name, folder);
    const [store, kept, workDir] = [at('store'), at('kept'), at('work')];
    const clients = createChartClients({ allowLocal: true, environment: {}, signal });
    const indexes = createIndexes({
      ...{ store: createDiskStore(store), pool, clients, dir: kept, workDir, maxBytes },
      ...{ tracing: createTracing({ service: 'test' }), signal },
    });
    return { ...indexes, store, kept, workDir };
  }

  function at(path: string, tenant = 'apps'): Access {
    const url = `${server.url}${path}`;
    return { url, tenant, timeoutMs: 5_000, client: { url }, key: url };
  }

  const statusesOf = (path: string) =>
    server
      .requests()
      .filter((it) => it.path.startsWith(path))
      .map(({ status }) => status);

  test('an index that did not change is neither sent nor read again', async () => {
    const indexes = open('unchanged');
    server.put('/unchanged/index.yaml', INDEX);
    const first = await indexes.fetch(at('/unchanged'), undefined);
    notEqual(first.snapshot, undefined);
    const second = await indexes.fetch(at('/unchanged'), first.revision);
    deepEqual(second, { ...first, snapshot: undefined });
    // Another object that has nothing yet, and a repository elsewhere with the same index.
    deepEqual((await indexes.fetch(at('/unchanged'), undefined)).snapshot, first.snapshot);
    server.put('/same/index.yaml', INDEX);
    deepEqual((await indexes.fetch(at('/same'), undefined)).snapshot, first.snapshot);
    deepEqual(statusesOf('/unchanged'), [200, 304, 304]);
    const files = await readdir(indexes.kept);
    deepEqual(files.map((it) => it.replace(/.*\./, '')).sort(), ['answer', 'answer', 'lookup']);
    equal((await readdir(indexes.store)).filter((it) => !it.includes('sha256')).length, 1);
  });

  test('a process that starts again asks whether an index changed, and fetches none that did not', async () => {
    const started = open('again');
    server.put('/again/index.yaml', INDEX);
    const { revision } = await started.fetch(at('/again'), undefined);
    const restarted = open('again');
    const same = await restarted.fetch(at('/again'), revision);
    deepEqual([same.revision, same.snapshot], [revision, undefined]);
    // Who has other credentials may see another index, and who has nothing needs it whole.
    await open('again').fetch({ ...at('/again'), key: 'other' }, revision);
    await open('again').fetch(at('/again'), undefined);
    deepEqual(statusesOf('/again'), [200, 304, 200, 200]);
    server.put('/again/index.yaml', INDEX.replace('1.0.0', '1.0.1'));
    notEqual((await open('again').fetch(at('/again'), revision)).revision, revision);
    for (const file of await readdir(started.kept)) {
      if (file.endsWith('.answer')) await writeFile(join(started.kept, file), '{"revision":');
    }
    await open('again').fetch(at('/again'), revision);
    deepEqual(statusesOf('/again').slice(4), [200, 200]);
  });

  test('objects that ask at the same time share one request', async () => {
    const indexes = open('shared');
    server.put('/shared/index.yaml', INDEX);
    const all = Array.from({ length: 50 }, (_, index) =>
      indexes.fetch(at('/shared', `team-${index}`), undefined),
    );
    const digests = new Set((await Promise.all(all)).map(({ snapshot }) => snapshot?.digest));
    equal(digests.size, 1);
    equal(statusesOf('/shared').filter((it) => it === 200).length, 1);
  });

  test('a chart is looked up in what is stored, also by a process that did not fetch it', async () => {
    const indexes = open('lookup');
    server.put('/lookup/index.yaml', INDEX);
    const { snapshot } = await indexes.fetch(at('/lookup'), undefined);
    const digest = snapshot?.digest ?? '';
    const lookup = await indexes.lookup(digest, 'apps');
    const text = await readFile(lookup, 'utf8');
    match(text, /^"app"\t\[\{"v":"1\.0\.0"/);
    await rm(indexes.kept, { recursive: true });
    equal(await readFile(await indexes.lookup(digest, 'apps'), 'utf8'), text);
    await rejects(indexes.lookup(`sha256:${'0'.repeat(64)}`, 'apps'), /is not|missing|gone/i);
  });

  test('an index that is too large, or none at all, leaves nothing behind', async () => {
    const indexes = open('large', 1_000);
    server.put('/large/index.yaml', INDEX.padEnd(2_000, '#'));
    await rejects(
      indexes.fetch(at('/large'), undefined),
      /index exceeds the maximum index file size of 1000 bytes/,
    );
    server.put('/none/index.yaml', 'nonsense: [');
    await rejects(indexes.fetch(at('/none'), undefined), /did not find expected node content/);
    deepEqual(await readdir(indexes.workDir), []);
  });

  test('what is not used is removed', async () => {
    const indexes = open('tidy');
    server.put('/tidy/index.yaml', INDEX);
    await indexes.peek(at('/tidy'));
    await indexes.tidy();
    equal((await readdir(indexes.kept)).length, 2);
    const long = new Date(Date.now() - 48 * 60 * 60_000);
    const paths = (await readdir(indexes.kept)).map((it) => join(indexes.kept, it));
    await Promise.all(paths.map((path) => utimes(path, long, long)));
    // An index that is still asked for is kept.
    await indexes.peek(at('/tidy'));
    await indexes.tidy();
    equal((await readdir(indexes.kept)).length, 2);
    await Promise.all(paths.map((path) => utimes(path, long, long)));
    await indexes.tidy();
    deepEqual(await readdir(indexes.kept), []);
  });
});
