import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { EXAMPLE, packFiles, processEnds, SLOW } from './testing/artifact.ts';
import { engines, inputs, NEVER_ENDS, openPool } from './testing/pool.ts';

const tenant = 'apps';

test('a request over its time fails alone and its engine is replaced', async (t) => {
  const pool = await openPool(t);
  const slow = { artifact: await packFiles(t, SLOW), path: 'app' };
  const fast = { artifact: await packFiles(t, EXAMPLE), path: 'base' };
  const late = pool.build(slow, { tenant, timeoutMs: 300 });
  const next = pool.build(fast, { tenant });
  await assert.rejects(late, { reason: 'Timeout', message: 'rendering took longer than 300 ms' });
  assert.equal((await next).objects.length, 2);
});

test('an engine that is killed fails the only request that it has', async (t) => {
  const pool = await openPool(t);
  const slow = pool.build({ artifact: await packFiles(t, SLOW), path: 'app' }, { tenant });
  const next = pool.build({ artifact: await packFiles(t, EXAMPLE), path: 'base' }, { tenant });
  const [pid] = await engines(pool, 1);
  assert.ok(pid);
  process.kill(pid, 'SIGKILL');
  await assert.rejects(slow, { reason: 'EngineCrashed', message: /signal SIGKILL/ });
  assert.equal((await next).objects.length, 2);
  assert.ok(!pool.pids().includes(pid));
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
  const one = pool.build({ artifact, path: 'app' }, { tenant, signal: running.signal });
  const two = pool.build({ artifact, path: 'app' }, { tenant, signal: waiting.signal });
  const [pid] = await engines(pool, 1);
  waiting.abort();
  await assert.rejects(two, { reason: 'Aborted' });
  assert.deepEqual(pool.pids(), [pid]);
  running.abort(new Error('why'));
  await assert.rejects(one, { reason: 'Aborted', cause: new Error('why') });
  await processEnds(pid ?? 0);
  const late = pool.build({ artifact, path: 'app' }, { tenant, signal: running.signal });
  await assert.rejects(late, { reason: 'Aborted' });
});

test('an engine serves many requests', async (t) => {
  const pool = await openPool(t, { size: 2 });
  const artifact = await packFiles(t, EXAMPLE);
  const builds = Array.from({ length: 20 }, (_, n) =>
    pool.build(
      { artifact, path: 'staging', kustomization: { namePrefix: `n${n}-` } },
      { tenant: `tenant-${n % 3}` },
    ),
  );
  assert.equal(pool.pids().length, 1, 'another is started when that is not enough');
  for (const [n, { objects }] of (await Promise.all(builds)).entries()) {
    assert.equal(objects[0]?.metadata.name, `n${n}-web`);
  }
  assert.ok(pool.pids().length <= 2);
});

test('requests of a tenant run in the order in which they came', async (t) => {
  const pool = await openPool(t);
  const ended: number[] = [];
  const order = Array.from({ length: 20 }, (_, n) => n);
  const request = { artifact: await packFiles(t, EXAMPLE), path: 'base' };
  await Promise.all(order.map((n) => pool.build(request, { tenant }).then(() => ended.push(n))));
  assert.deepEqual(ended, order);
});

test('an engine reads an artifact once', async (t) => {
  const pool = await openPool(t);
  const one = await packFiles(t, EXAMPLE);
  const two = await packFiles(t, { ...EXAMPLE, 'more.txt': '' });
  for (const artifact of [one, two]) await pool.build({ artifact, path: 'base' }, { tenant });
  await Promise.all([rm(one.file), rm(two.file)]);
  for (const artifact of [one, two, two, one]) {
    await pool.build({ artifact, path: 'base' }, { tenant });
  }
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
  const requests = [
    ...[1, 2, 3].map(() => pool.build({ artifact, path: 'app' }, { tenant })),
    ...[1, 2, 3].map(() => pool.evaluate({ expression: NEVER_ENDS, inputs }, { tenant })),
  ];
  const pids = await engines(pool, 2);
  const rejected = requests.map((request) => assert.rejects(request, { reason: 'Closed' }));
  await pool.close();
  await Promise.all(rejected);
  await Promise.all(pids.map(processEnds));
  await assert.rejects(pool.version(), { reason: 'Closed' });
});

test('engines end with their parent, in the middle of a build too', async (t) => {
  const { digest, file } = await packFiles(t, SLOW);
  const script = `
    import { createPool } from '${new URL('./index.ts', import.meta.url)}';
    import { createLogger } from '@weir/telemetry';
    const pool = await createPool({ size: 1, log: createLogger({ service: 'test', level: 'fatal' }) });
    pool.build({ artifact: ${JSON.stringify({ digest, file })}, path: 'app' }, { tenant: 'apps' });
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
