import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { GitRepository, Kustomization } from '@weir/api';
import { freePort, until } from '@weir/cluster';
import {
  installDefinitions,
  startKustomizeController,
  startSourceController,
} from '@weir/conformance/systems';
import { isReady, startWeir, type Weir } from '@weir/kit';
import { ConfigMap, Deployment, type KubeObject } from '@weir/kube';
import { parseAllDocuments } from 'yaml';
import {
  bootstrapped,
  CONTROLLERS,
  type Controller,
  STARTED,
  STOPPED,
  settings,
  sync,
} from './handover/bootstrap.ts';
import { stoppedAfter } from './suite.ts';

const NAMESPACE = 'flux-system';
const REF = { namespace: NAMESPACE, name: 'flux-system' };

/**
 * Flux applies its own Deployments here. There is no kubelet, so the test runs a controller as long as its Deployment has a
 * replica, and stops it when the Deployment has none.
 */
describe('a bootstrapped cluster moves from Flux to Weir and back by commits', () => {
  const started = stoppedAfter();
  const running = new Map<Controller, () => Promise<void>>();
  let weir: Weir;
  let health: string;

  before(async () => {
    weir = await startWeir(started, { processes: [], cluster: { nodes: 1 } });
    await installDefinitions(weir.client);
    await weir.namespace(NAMESPACE);
    const { url } = await weir.repository('platform');
    const commit = await weir.commit('platform', bootstrapped(url));
    for (const name of CONTROLLERS) await run(name);
    await weir.apply(...parseAllDocuments(sync(url)).map((it) => it.toJS() as KubeObject));
    await weir.wait(Kustomization, REF, isReady(commit));

    const port = await freePort();
    health = `http://127.0.0.1:${port}`;
    const flags = [`--health-port=${port}`];
    const starting = weir.start(['source', 'kustomize'], { name: 'weir', flags });
    // It is ready after Flux has stopped. Until then a failure of it must not count as unhandled.
    starting.catch(() => undefined);
    await says('Flux');
  });

  async function run(name: Controller): Promise<void> {
    const start = name === 'source-controller' ? startSourceController : startKustomizeController;
    const { cluster, dir } = weir;
    const stop = await start({ cluster, dir, flags: {}, leaderElection: true });
    running.set(name, stop);
    started.defer(stop);
  }

  /** Waits for the replicas that each Deployment of Flux should have, and runs or stops the controllers accordingly. */
  async function follow(replicas: 0 | 1): Promise<void> {
    for (const name of CONTROLLERS) {
      await weir.wait(
        Deployment,
        { namespace: NAMESPACE, name },
        ({ spec }) => (spec as { replicas?: number }).replicas === replicas,
      );
      if (replicas === 1) await run(name);
      else await running.get(name)?.();
    }
  }

  /** Waits until both services say who is at work. */
  async function says(leader: 'Flux' | 'Weir'): Promise<void> {
    const lines = ['source', 'kustomize'].map((service) =>
      leader === 'Weir' ? `[+] ${service}\n` : `[-] ${service}: Flux's ${service}-controller`,
    );
    await until(
      async () => {
        const text = await (await fetch(`${health}/readyz`)).text();
        return lines.every((line) => text.includes(line));
      },
      { timeoutMs: 60_000, message: lines.join() },
    );
  }

  /** Commits files, and waits until the leading system has applied them. */
  async function push(files: Record<string, string>): Promise<void> {
    const commit = await weir.commit('platform', files);
    await weir.requestReconcile(GitRepository, REF, commit);
    await weir.wait(Kustomization, REF, isReady(commit), 60_000);
  }

  const settingsNow = async () => (await weir.find(ConfigMap, NAMESPACE, 'settings'))?.data;

  it('Flux applies the commit that stops it, and Weir begins', async () => {
    const commit = await weir.commit('platform', STOPPED);
    await weir.requestReconcile(GitRepository, REF, commit);
    await follow(0);
    await says('Weir');
    await weir.wait(Kustomization, REF, isReady(commit), 60_000);
  });

  it('Weir applies the platform, and keeps Flux stopped', async () => {
    await push({ 'clusters/production/settings.yaml': settings('second') });
    assert.deepEqual(await settingsNow(), { value: 'second' });
    for (const name of CONTROLLERS) {
      const found = await weir.find(Deployment, NAMESPACE, name);
      assert.partialDeepStrictEqual(found, { spec: { replicas: 0 } });
    }
  });

  it('Weir applies the commit that starts Flux, and waits', async () => {
    const commit = await weir.commit('platform', STARTED);
    await weir.requestReconcile(GitRepository, REF, commit);
    await follow(1);
    await says('Flux');
  });

  it('Flux applies the next commit', async () => {
    await push({ 'clusters/production/settings.yaml': settings('third') });
    assert.deepEqual(await settingsNow(), { value: 'third' });
  });
});
