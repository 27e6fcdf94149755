// Ending `npm run <script>` has to end the program that it runs. npm sends a signal to the shell that it starts, and a
// shell that waits for a command does not forward the signal. So each script replaces the shell by the program, with exec.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { it, type TestContext } from 'node:test';
import { isRunning, until } from '@weir/cluster';

const ROOT = join(import.meta.dirname, '../..');
/** The scripts that run until they are ended, or for minutes. */
const LONG_RUNNING = [
  'start',
  'services',
  'cluster',
  'bench',
  'unit',
  'conformance',
  'conformance:helm',
];
/** A program that is run in place of the real one. It prints its process id and waits. */
const PROGRAM =
  'process.stdout.write("pid " + process.pid + "\\n"); setInterval(() => {}, 1_000);\n';

const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));

for (const name of LONG_RUNNING) {
  it(`npm run ${name} leaves no process behind when npm is ended`, async (t) => {
    const script = String(scripts[name]).replace(/\S+\.ts$/, 'program.mjs');
    assert.match(script, /program\.mjs$/);
    const folder = await projectWith(t, { [name]: script });
    const npm = spawn('npm', ['run', '--silent', name, '--', '--a-flag'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => npm.kill('SIGKILL'));
    const signal = AbortSignal.timeout(30_000);
    const [line] = await once(createInterface(npm.stdout), 'line', { signal });
    const pid = Number(String(line).split(' ')[1]);
    t.after(() => isRunning(pid) && process.kill(pid, 'SIGKILL'));

    npm.kill('SIGTERM');
    await until(async () => !isRunning(pid), {
      timeoutMs: 10_000,
      message: `the process of ${name} to end with npm`,
    });
  });
}

async function projectWith(t: TestContext, scripts: object): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'weir-scripts-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'scripts', scripts }));
  await writeFile(join(folder, 'program.mjs'), PROGRAM);
  return folder;
}
