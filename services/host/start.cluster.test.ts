import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Cluster, startCluster, until } from '@weir/cluster';
import {
  connectAsServiceAccount,
  connectKube,
  isForbidden,
  type KubeClient,
  Lease,
  Secret,
} from '@weir/kube';
import { type Running, type StartOptions, startServices } from './index.ts';

const WAIT = { timeoutMs: 20_000 };
const NAMESPACE = 'weir-here';
const quiet = { destination: { write: () => undefined } };

describe('starting services', () => {
  let cluster: Cluster;
  let client: KubeClient;
  /** A test that fails leaves its services at work, and they would keep this process alive. */
  const opened = new Set<Running>();

  before(async () => {
    cluster = await startCluster({ nodes: 0, controllerManager: false });
    client = connectKube({ kubeconfig: cluster.kubeconfig });
  });
  after(async () => {
    await Promise.all([...opened].map((running) => running.close()));
    await client?.close();
    await cluster?.close();
  });

  const start = async ({ flags, ...options }: StartOptions = {}): Promise<Running> => {
    const running = await startServices({
      env: cluster.env,
      logging: quiet,
      services: ['helm-release', 'image-automation'],
      flags: {
        'health-port': '0',
        'install-crds': 'true',
        'runtime-namespace': NAMESPACE,
        ...flags,
      },
      ...options,
    });
    opened.add(running);
    return running;
  };

  const stop = async (running: Running): Promise<void> => {
    opened.delete(running);
    await running.close();
  };

  const readyz = async ({ healthPort }: Running) => {
    const response = await fetch(`http://127.0.0.1:${healthPort}/readyz`);
    return { status: response.status, body: await response.text() };
  };

  const leases = async () => (await client.list(Lease, { namespace: NAMESPACE })).items;

  it('makes them ready in a namespace of their own, and leaves nothing when they stop', async () => {
    const running = await start();
    await running.ready();
    assert.deepEqual(await readyz(running), {
      status: 200,
      body: '[+] helm-release\n[+] image-automation\n',
    });
    assert.equal((await leases()).length, 2);
    const metrics = await (await fetch(`http://127.0.0.1:${running.healthPort}/metrics`)).text();
    assert.match(metrics, /weir_nats_connected\{service="helm-release"\} 1/);
    await stop(running);
    assert.equal((await leases()).length, 0);
    await assert.rejects(readyz(running));
  });

  it('runs each as its own account, with its rights and no more', async () => {
    const running = await start({ flags: { 'service-accounts': 'true' } });
    await running.ready();
    const account = { namespace: NAMESPACE, name: 'weir-image-automation' };
    const own = connectAsServiceAccount(client, account);
    const renewals = (await leases()).map(({ metadata }) => metadata.labels?.['weir/replica-of']);
    assert.deepEqual(renewals.sort(), ['helm-release', 'image-automation']);
    assert.equal((await own.list(Lease, { namespace: NAMESPACE })).items.length, 2);
    // In other namespaces it may only look for leaders of Flux.
    assert.deepEqual((await own.list(Lease, { namespace: 'default' })).items, []);
    await assert.rejects(own.delete(Lease, { namespace: 'default', name: 'any' }), isForbidden);
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: 'default', name: 'not-allowed' },
    };
    await assert.rejects(own.create(Secret, secret), isForbidden);
    await own.close();
    await stop(running);
  });

  it('is not ready while Kubernetes is away, and needs nothing from NATS to be', async () => {
    await cluster.stop('nats-server');
    await cluster.stop('kube-apiserver', { signal: 'SIGKILL' });
    const lines: string[] = [];
    const starting = start({ logging: { destination: { write: (line) => lines.push(line) } } });
    await until(() => lines.some((line) => line.includes('Kubernetes does not answer')), {
      ...WAIT,
      message: 'a line that says so',
    });
    await cluster.start('kube-apiserver');
    const running = await starting;
    await running.ready();
    assert.equal((await readyz(running)).status, 200);
    await stop(running);
    await cluster.start('nats-server');
  });

  it('gives up a start that is called off', async () => {
    const stop = new AbortController();
    const env = { ...cluster.env };
    await cluster.stop('kube-apiserver', { signal: 'SIGKILL' });
    const starting = start({ env, signal: stop.signal });
    stop.abort();
    await assert.rejects(starting, { name: 'AbortError' });
    await cluster.start('kube-apiserver');
  });

  describe('as a process', () => {
    function command(...args: string[]) {
      const child = spawn(process.execPath, [join(import.meta.dirname, 'run.ts'), ...args], {
        env: { ...process.env, ...cluster.env, WEIR_RUNTIME_NAMESPACE: NAMESPACE },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const output = { stdout: '', stderr: '' };
      child.stdout.on('data', (chunk) => {
        output.stdout += chunk;
      });
      child.stderr.on('data', (chunk) => {
        output.stderr += chunk;
      });
      const ended = once(child, 'close').then(([code]) => code as number);
      return { child, output, ended };
    }

    it('says when it is ready, and ends well when told to', async () => {
      const { child, output, ended } = command('helm-release', '--health-port=0');
      await until(() => /^ready: helm-release$/m.test(output.stdout), {
        ...WAIT,
        message: 'ready',
      });
      child.kill('SIGTERM');
      assert.equal(await ended, 0, output.stderr);
      assert.equal((await leases()).length, 0);
    });

    it('refuses what it does not understand, in one line', async () => {
      const { output, ended } = command('helm-release', '--helth-port=1');
      assert.equal(await ended, 2);
      assert.match(output.stderr, /^unknown flag --helth-port[^\n]*\n$/);
    });

    it('prints its flags', async () => {
      const { output, ended } = command('--help');
      assert.equal(await ended, 0);
      assert.match(output.stdout, /--install-crds/);
    });

    it('says what is wrong with a kubeconfig', async () => {
      const { output, ended } = command('--kubeconfig=/nowhere/config', '--health-port=0');
      assert.equal(await ended, 2);
      assert.match(output.stderr, /^[^\n]*\/nowhere\/config[^\n]*\n$/);
    });
  });
});
