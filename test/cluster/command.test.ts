import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { run } from './exec.ts';

const COMMAND = join(import.meta.dirname, 'command.ts');

test('prints what a shell needs, then ready, and stays up until it gets a signal', async () => {
  const { KUBECONFIG: _, NATS_URL: __, ...env } = process.env;
  const child = spawn(process.execPath, [COMMAND, '--nodes=0'], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = once(child, 'exit');
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (line === 'ready') break;
  }
  try {
    assert.deepEqual(
      lines.map((line) => line.replace(/=.*/, '')),
      ['export KUBECONFIG', 'export NATS_URL', 'export PATH', 'ready'],
    );
    const script = `${lines.slice(0, -1).join('\n')}\nkubectl auth whoami -o jsonpath={.status.userInfo.username}`;
    const answer = await run('sh', ['-c', script], { env });
    assert.equal(answer.stdout, 'admin', answer.stderr);
  } finally {
    child.kill('SIGTERM');
  }
  assert.deepEqual(await exited, [0, null]);
});

test('a wrong flag is refused with advice', async () => {
  const { code, stderr } = await run(process.execPath, [COMMAND, '--nodes=many']);
  assert.equal(code, 1);
  assert.match(stderr, /--nodes=many: give a number of fake nodes/);
});
