import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { startCluster } from './cluster.ts';
import { isRunning } from './is-running.ts';
import { until } from './until.ts';

const PROGRAM = join(import.meta.dirname, 'testing', 'run-cluster.ts');

interface Started {
  pids: Record<string, number>;
  kubeconfig: string;
}

test('kill -9 of the parent leaves no process and no data behind', async () => {
  const parent = spawn(process.execPath, [PROGRAM], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
  const { pids, kubeconfig } = JSON.parse(line) as Started;
  const all = Object.values(pids);
  assert.equal(all.length, 6);
  assert.deepEqual(
    all.map(isRunning),
    all.map(() => true),
  );

  const exited = once(parent, 'exit');
  parent.kill('SIGKILL');
  await exited;
  await until(() => !all.some(isRunning), { timeoutMs: 5_000, message: 'the components to end' });
  await until(() => !existsSync(dirname(kubeconfig)), {
    timeoutMs: 5_000,
    message: 'the data folder to go',
  });
});

test('close ends the components and removes the data', async () => {
  const cluster = await startCluster({ nodes: 0 });
  const all = Object.values(cluster.pids());
  await cluster.close();
  assert.deepEqual(
    all.map(isRunning),
    all.map(() => false),
  );
  assert.equal(existsSync(dirname(cluster.kubeconfig)), false);
  await assert.rejects(cluster.start('etcd'), /the cluster is closed/);
  await cluster.close();
});

test('a component that does not start is reported with the end of its log', async () => {
  await assert.rejects(
    startCluster({ nodes: 0, nats: false, apiserverFlags: ['--no-such-flag'] }),
    /kube-apiserver ended with exit code 1:\n.*unknown flag: --no-such-flag/s,
  );
});
