import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { it, type TestContext } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { isRunning, until } from '@weir/cluster';

const ROOT = join(import.meta.dirname, '../..');
const PASSES = `import { test } from 'node:test';
test('passes', () => undefined);
`;
const FAILS = `import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
describe('water', () => {
  test('flows (1) down: always', () => assert.equal('up', 'down'));
  test('is wet', () => undefined);
});
`;
/** A test that doesn't end, with a process that doesn't either. Both write down their ids. */
const HANGS = `import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
test('hangs', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1_000)']);
  await writeFile(process.env.PIDS, JSON.stringify([process.pid, child.pid]));
  await new Promise((resolve) => child.once('exit', resolve));
});
`;

it('ends with the tests that failed, and the exit code of Nx', async (t) => {
  const folder = await workspace(t, {
    good: { 'a.test.mjs': PASSES },
    bad: { 'b.test.mjs': FAILS, 'c.test.mjs': PASSES },
    broken: { 'package.json': packageOf('broken', 'echo what is wrong; exit 3') },
  });
  const child = unit(t, folder);
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  assert.equal(code, 1);
  const lines = stripVTControlCharacters(output).trimEnd().split('\n');
  const end = lines.slice(lines.lastIndexOf('@weir/bad: failing tests:'));
  assert.ok(end.length > 1, output);
  assert.ok(end.includes("  'up' !== 'down'"), output);
  assert.ok(!end.join('\n').includes('passes'), output);
  const said = lines.slice(lines.lastIndexOf('@weir/broken failed. It said last:'));
  assert.ok(said.length > 1 && said.includes('what is wrong'), output);
  const list = lines.slice(lines.lastIndexOf('Failed:'));
  assert.deepEqual(list.toSorted(), [
    '@weir/bad b.test.mjs:4:3: flows (1) down: always',
    '@weir/broken: see above',
    'Failed:',
  ]);
});

it('adds nothing to the output of Nx when all tests pass', async (t) => {
  const folder = await workspace(t, { good: { 'a.test.mjs': PASSES } });
  const child = unit(t, folder);
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  assert.equal(code, 0);
  assert.match(output, /passes/);
  assert.doesNotMatch(output, /[Ff]ail(ed|ing)/);
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  it(`leaves no process behind when it is ended by ${signal}`, async (t) => {
    const folder = await workspace(t, { slow: { 'd.test.mjs': HANGS } });
    const file = join(folder, 'pids.json');
    const child = unit(t, folder, { PIDS: file });
    child.stdout.resume();
    const pids = await until(
      async () => {
        const written = await readFile(file, 'utf8').catch(() => '');
        return written === '' ? undefined : (JSON.parse(written) as number[]);
      },
      { timeoutMs: 60_000, message: 'the test to run' },
    );
    t.after(() => pids.filter(isRunning).forEach((pid) => void process.kill(pid, 'SIGKILL')));

    child.kill(signal);
    const [code] = await once(child, 'exit');
    assert.notEqual(code, 0);
    await until(() => !pids.some(isRunning), {
      timeoutMs: 5_000,
      message: `the processes ${pids.join(' and ')} to be gone`,
    });
  });
}

/** Runs the command in a folder, as npm does. */
function unit(t: TestContext, cwd: string, env: Record<string, string> = {}) {
  // `node --test` sets this variable for the test processes that it starts. These tests are not part of this run.
  const { NODE_TEST_CONTEXT: _, ...own } = process.env;
  const path = [join(ROOT, 'node_modules/.bin'), own.PATH].join(delimiter);
  const child = spawn(process.execPath, [join(import.meta.dirname, 'unit.ts')], {
    cwd,
    env: { ...own, ...env, PATH: path },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => endOf(child));
  return child;
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

/** A workspace of npm and Nx with the given packages: their files by name. */
async function workspace(
  t: TestContext,
  packages: Record<string, Record<string, string>>,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'weir-unit-'));
  t.after(() => rm(folder, { recursive: true }));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const root = { name: 'root', private: true, workspaces: ['packages/*'] };
  await writeFile(join(folder, 'package.json'), JSON.stringify(root));
  await writeFile(join(folder, 'nx.json'), await readFile(join(ROOT, 'nx.json')));
  for (const [name, files] of Object.entries(packages)) {
    const own = join(folder, 'packages', name);
    await mkdir(own, { recursive: true });
    const all = { 'package.json': packageOf(name, 'node --test'), ...files };
    for (const [file, content] of Object.entries(all)) await writeFile(join(own, file), content);
  }
  return folder;
}

function packageOf(name: string, command: string): string {
  return JSON.stringify({ name: `@weir/${name}`, version: '1.0.0', scripts: { test: command } });
}
