import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isRunning } from './is-running.ts';
import { type Supervisor, supervise } from './supervise.ts';
import type { ComponentProcess } from './supervisor.ts';
import { until } from './until.ts';

async function setUp(t: TestContext): Promise<{ supervisor: Supervisor; dir: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'weir-supervise-'));
  const supervisor = await supervise(dir);
  t.after(() => supervisor.close());
  return { supervisor, dir };
}

/** A program that runs until it is killed. SIGTERM has no effect once it has written `up` to its log. */
function stubborn(dir: string, name: string): ComponentProcess {
  const program = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('up')";
  const log = join(dir, `${name}.log`);
  return { name, command: process.execPath, args: ['-e', program], cwd: dir, log };
}

async function isUp(process: ComponentProcess): Promise<boolean> {
  return (await readFile(process.log, 'utf8')).includes('up');
}

const SOON = { timeoutMs: 5_000 };

test('a process that ignores SIGTERM is killed after the time limit, also when it hangs', async (t) => {
  const { supervisor, dir } = await setUp(t);
  const program = stubborn(dir, 'one');
  const pid = await supervisor.start(program);
  assert.deepEqual(supervisor.pids(), { one: pid });
  await assert.rejects(supervisor.start(program), /one is running already/);
  await until(() => isUp(program), { ...SOON, message: 'the program to run' });
  await supervisor.signal('one', 'SIGSTOP');
  await supervisor.stop('one', 'SIGTERM', 50);
  assert.equal(isRunning(pid), false);
  assert.equal(supervisor.exitOf('one'), 'SIGKILL');
  await assert.rejects(supervisor.signal('one', 'SIGCONT'), /one is not running/);
});

test('how a process ended is known', async (t) => {
  const { supervisor, dir } = await setUp(t);
  const log = join(dir, 'log');
  const program = { command: process.execPath, args: ['-e', 'process.exit(3)'], cwd: dir, log };
  await supervisor.start({ name: 'short', ...program });
  const exit = await until(() => supervisor.exitOf('short'), { ...SOON, message: 'the exit' });
  assert.equal(exit, 'exit code 3');
  const missing = supervisor.start({ name: 'missing', ...program, command: '/does/not/exist' });
  await assert.rejects(missing, /ENOENT/);
  assert.deepEqual(supervisor.pids(), {});
});

test('when the supervisor itself is killed, its processes are too', async (t) => {
  const { supervisor, dir } = await setUp(t);
  const pids = [
    await supervisor.start(stubborn(dir, 'one')),
    await supervisor.start(stubborn(dir, 'two')),
  ];
  process.kill(supervisor.pid, 'SIGKILL');
  await until(() => !pids.some(isRunning), { ...SOON, message: 'the processes to end' });
  await until(() => !existsSync(dir), { ...SOON, message: 'the data folder to go' });
  assert.deepEqual(supervisor.pids(), {});
  await assert.rejects(supervisor.start(stubborn(dir, 'three')), /the cluster is closed/);
});
