import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run, until } from '@weir/cluster';

const ENTRY = fileURLToPath(new URL('../quickstart/start.ts', import.meta.url));

describe('npm start -- --once', () => {
  const { KUBECONFIG: _, NATS_URL: __, ...env } = process.env;

  it('exits with 0 when all objects are Ready and the alerts have arrived', async () => {
    const { code, stdout, stderr } = await run(process.execPath, [ENTRY, '--once'], { env });
    assert.equal(code, 0, stdout + stderr);
    for (const printed of [
      /✔ Kustomization production/,
      /✔ HelmRelease banner/,
      /\[Slack\] kustomization\/production\.flux-system/,
      /\[Feishu\] 💫 kustomization\/production\.flux-system/,
      /Deployment\/greeter-production\/greeter created/,
      /✔ Messages in Slack and in Feishu/,
      /✔ The image greeter:1\.1\.0, pushed to the registry/,
      /✔ The Deployment with greeter:1\.1\.0/,
      /\[Slack\] imageupdateautomation\/example\.flux-system\n {2}│ .*pushed commit '\w{7}' to branch 'main'/,
      /\[Feishu\] 💫 imageupdateautomation\/example\.flux-system/,
      /✔ Messages about the image in Slack and in Feishu/,
    ]) {
      assert.match(stdout, printed);
    }
  });

  it('exits with 1 and the reason otherwise', async () => {
    const away = { ...env, NATS_URL: 'nats://127.0.0.1:1' };
    // Half a minute of the time is the wait for an alert that doesn't come.
    const limit = { env: away, timeoutMs: 120_000 };
    const { code, stderr } = await run(process.execPath, [ENTRY, '--once'], limit);
    assert.equal(code, 1);
    assert.match(stderr, /It did not work: .*the message about production in Slack/);
  });

  it('leaves nothing behind when it is interrupted during the start', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'weir-quickstart-'));
    try {
      const child = spawn(process.execPath, [ENTRY, '--once'], {
        env: { ...env, TMPDIR: folder },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const exited = once(child, 'exit');
      for await (const line of createInterface({ input: child.stdout })) {
        if (line.includes('All five services')) child.kill('SIGINT');
      }
      assert.deepEqual(await exited, [130, null]);
      const empty = async () => (await readdir(folder)).length === 0;
      await until(empty, { timeoutMs: 10_000, message: `${folder} to be empty` });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
