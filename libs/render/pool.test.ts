import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { createLogger } from '@weir/telemetry';
import { createPool, type PoolOptions, type RenderPool } from './index.ts';
import { BOMB, EXAMPLE, MEDIUM, packFiles, processEnds, SLOW } from './testing/artifact.ts';

const log = createLogger({ service: 'test', level: 'fatal' });

async function openPool(t: TestContext, options: Partial<PoolOptions> = {}): Promise<RenderPool> {
  const pool = await createPool({ size: 1, log, ...options });
  t.after(() => pool.close());
  return pool;
}

/** Waits until the pool runs as many engines; fails after 10 s. */
async function engines(pool: RenderPool, count: number): Promise<number[]> {
  const deadline = AbortSignal.timeout(10_000);
  while (pool.pids().length !== count) {
    if (deadline.aborted) throw new Error(`${pool.pids().length} engines run, not ${count}`);
    await once(AbortSignal.timeout(10), 'abort');
  }
  return pool.pids();
}

test('a request over its time fails alone and its engine is replaced', async (t) => {
  const pool = await openPool(t);
  const slow = { artifact: await packFiles(t, SLOW), path: 'app' };
  const fast = { artifact: await packFiles(t, EXAMPLE), path: 'base' };
  const late = pool.build(slow, { timeoutMs: 300 });
  const next = pool.build(fast);
  await assert.rejects(late, { reason: 'Timeout', message: 'rendering took longer than 300 ms' });
  assert.equal((await next).objects.length, 2);
});

test('what runs beside a request over its time runs again', async (t) => {
  const pool = await openPool(t, { size: 2 });
  const slow = await packFiles(t, SLOW);
  const beside = pool.build({ artifact: await packFiles(t, MEDIUM), path: 'app' });
  const late = pool.build({ artifact: slow, path: 'app' }, { timeoutMs: 200 });
  const [pid] = await engines(pool, 1);
  await assert.rejects(late, { reason: 'Timeout' });
  assert.equal((await beside).objects.length, 1);
  assert.ok(!pool.pids().includes(pid ?? 0));
});

test('an engine that is killed fails the only request that it has', async (t) => {
  const pool = await openPool(t);
  const slow = pool.build({ artifact: await packFiles(t, SLOW), path: 'app' });
  const next = pool.build({ artifact: await packFiles(t, EXAMPLE), path: 'base' });
  const [pid] = await engines(pool, 1);
  assert.ok(pid);
  process.kill(pid, 'SIGKILL');
  await assert.rejects(slow, { reason: 'EngineCrashed', message: /signal SIGKILL/ });
  assert.equal((await next).objects.length, 2);
  assert.notDeepEqual(pool.pids(), [pid]);
});

test('of several, none fails with an engine that is killed', async (t) => {
  const pool = await openPool(t, { size: 2 });
  const artifact = await packFiles(t, { ...MEDIUM, ...EXAMPLE });
  const slow = ['app', 'app'].map((path) => pool.build({ artifact, path }));
  const next = pool.build({ artifact, path: 'base' });
  const [pid] = await engines(pool, 1);
  assert.ok(pid);
  process.kill(pid, 'SIGKILL');
  for (const { objects } of await Promise.all(slow)) assert.equal(objects.length, 1);
  assert.equal((await next).objects.length, 2);
});

test('a request that needs too much memory says so, and fails alone', async (t) => {
  const pool = await openPool(t, { size: 2, memoryLimitBytes: 200 * 1024 ** 2 });
  const beside = pool.build({ artifact: await packFiles(t, MEDIUM), path: 'app' });
  const bomb = pool.build({ artifact: await packFiles(t, BOMB), path: 'app' });
  await assert.rejects(bomb, {
    reason: 'MemoryLimit',
    message: /more memory than the limit of 209715200/,
  });
  assert.equal((await beside).objects.length, 1);
  assert.equal((await pool.semver({ range: '1', versions: [] })).sorted.length, 0);
});

test('an engine that is missing', async (t) => {
  const pool = await openPool(t, { engine: '/does/not/exist' });
  await assert.rejects(pool.version(), { reason: 'EngineUnavailable', message: /can't start/ });
  await assert.rejects(pool.version(), { reason: 'EngineUnavailable' });
});

test('a program that is no engine', async (t) => {
  const pool = await openPool(t, { engine: '/bin/echo' });
  await assert.rejects(pool.version(), { reason: 'EngineCrashed' });
});

test('an abort gives up what runs and what waits', async (t) => {
  const pool = await openPool(t);
  const artifact = await packFiles(t, SLOW);
  const running = new AbortController();
  const waiting = new AbortController();
  const one = pool.build({ artifact, path: 'app' }, { signal: running.signal });
  const two = pool.build({ artifact, path: 'app' }, { signal: waiting.signal });
  await pool.version();
  const [pid] = await engines(pool, 1);
  waiting.abort();
  await assert.rejects(two, { reason: 'Aborted' });
  running.abort(new Error('why'));
  await assert.rejects(one, { reason: 'Aborted', cause: new Error('why') });
  await processEnds(pid ?? 0);
  await assert.rejects(pool.version({ signal: running.signal }), { reason: 'Aborted' });
});

test('what runs beside an aborted request is not lost', async (t) => {
  const pool = await openPool(t, { size: 2 });
  const slow = await packFiles(t, SLOW);
  const stop = new AbortController();
  const beside = pool.build({ artifact: await packFiles(t, MEDIUM), path: 'app' });
  const aborted = pool.build({ artifact: slow, path: 'app' }, { signal: stop.signal });
  await pool.version();
  stop.abort();
  await assert.rejects(aborted, { reason: 'Aborted' });
  assert.equal((await beside).objects.length, 1);
});

test('one engine serves requests at the same time', async (t) => {
  const pool = await openPool(t, { size: 2 });
  const artifact = await packFiles(t, EXAMPLE);
  const builds = Array.from({ length: 20 }, (_, n) =>
    pool.build({ artifact, path: 'staging', kustomization: { namePrefix: `n${n}-` } }),
  );
  assert.equal(pool.pids().length, 1);
  for (const [n, { objects }] of (await Promise.all(builds)).entries()) {
    assert.equal(objects[0]?.metadata.name, `n${n}-web`);
  }
});

test('what is quick does not wait for builds', async (t) => {
  const pool = await openPool(t);
  const artifact = await packFiles(t, SLOW);
  const stop = new AbortController();
  const builds = [1, 2, 3].map(() =>
    assert.rejects(pool.build({ artifact, path: 'app' }, { signal: stop.signal }), {
      reason: 'Aborted',
    }),
  );
  await Promise.all([pool.version(), pool.semver({ range: '1', versions: [] })]);
  assert.equal(pool.pids().length, 1);
  stop.abort();
  await Promise.all(builds);
});

test('requests run in the order in which they came', async (t) => {
  const pool = await openPool(t);
  const ended: number[] = [];
  const order = Array.from({ length: 20 }, (_, n) => n);
  const request = { artifact: await packFiles(t, EXAMPLE), path: 'base' };
  await Promise.all(order.map((n) => pool.build(request).then(() => ended.push(n))));
  assert.deepEqual(ended, order);
});

test('an artifact is read once', async (t) => {
  const pool = await openPool(t, { size: 2 });
  const one = await packFiles(t, EXAMPLE);
  const two = await packFiles(t, { ...EXAMPLE, 'more.txt': '' });
  await Promise.all([one, two].map((artifact) => pool.build({ artifact, path: 'base' })));
  await Promise.all([rm(one.file), rm(two.file)]);
  for (const artifact of [one, two, two, one]) await pool.build({ artifact, path: 'base' });
});

test('engines without work stop, and start again', async (t) => {
  const pool = await openPool(t, { idleMs: 50 });
  await pool.version();
  const [pid] = pool.pids();
  assert.ok(pid);
  await engines(pool, 0);
  await processEnds(pid);
  await pool.version();
});

test('closing ends everything', async (t) => {
  const pool = await openPool(t);
  const artifact = await packFiles(t, SLOW);
  const requests = [1, 2].map(() => pool.build({ artifact, path: 'app' }));
  const [pid] = await engines(pool, 1);
  assert.ok(pid);
  const rejected = requests.map((request) => assert.rejects(request, { reason: 'Closed' }));
  await pool.close();
  await Promise.all(rejected);
  await processEnds(pid);
  await assert.rejects(pool.version(), { reason: 'Closed' });
});

test('engines end with their parent, in the middle of a build too', async (t) => {
  const { digest, file } = await packFiles(t, SLOW);
  const script = `
    import { createPool } from '${new URL('./index.ts', import.meta.url)}';
    import { createLogger } from '@weir/telemetry';
    const pool = await createPool({ size: 1, log: createLogger({ service: 'test', level: 'fatal' }) });
    await pool.version();
    pool.build({ artifact: ${JSON.stringify({ digest, file })}, path: 'app' });
    console.log(pool.pids()[0]);
  `;
  const parent = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => parent.kill('SIGKILL'));
  const [line] = (await once(createInterface(parent.stdout), 'line')) as [string];
  parent.kill('SIGKILL');
  await processEnds(Number(line));
});
