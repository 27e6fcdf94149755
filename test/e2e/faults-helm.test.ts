import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { HelmRelease, HelmRepository } from '@weir/api';
import { until } from '@weir/cluster';
import { isReady, startWeir, type Weir, type WeirProcess } from '@weir/kit';
import { ConfigMap, Secret } from '@weir/kube';
import { helmRelease, helmRepository, serveCharts } from './releases.ts';
import { stoppedAfter } from './suite.ts';

const NAMESPACE = 'releases';
const COUNT = 20;
/** Leases are short, so that the releases of a killed replica are soon taken over. */
const FLAGS = ['--lease-duration=3s', '--lease-renew-interval=500ms'];
const LONG_MS = 120_000;

interface Version {
  name: string;
  version: number;
  status: string;
}

describe('two replicas of helm-release', () => {
  const started = stoppedAfter();
  let weir: Weir;
  let first: WeirProcess;
  let second: WeirProcess;
  let publish: (ids: readonly string[]) => Promise<void>;
  const names = Array.from({ length: COUNT }, (_, index) => `web-${index}`);

  before(async () => {
    const cluster = { audit: true, nodes: 0 };
    weir = await startWeir(started, {
      processes: [['source', 'notification']],
      flags: FLAGS,
      cluster,
    });
    first = await weir.start(['helm-release'], { name: 'helm-release-a' });
    second = await weir.start(['helm-release'], { name: 'helm-release-b' });
    await weir.namespace(NAMESPACE);
    const charts = await serveCharts(started, ['small-1.0.0']);
    publish = charts.publish;
    await weir.apply(
      helmRepository(NAMESPACE, charts.url),
      ...names.map((name) => helmRelease(NAMESPACE, name)),
    );
    await allAt('1.0.0');
  });

  async function allAt(version: string): Promise<void> {
    const isThere = isReady(`app@${version}`);
    await Promise.all(
      names.map((name) => weir.wait(HelmRelease, { namespace: NAMESPACE, name }, isThere, LONG_MS)),
    );
  }
  const look = () =>
    weir.requestReconcile(
      HelmRepository,
      { namespace: NAMESPACE, name: 'charts' },
      `${Date.now()}`,
    );

  async function versions(): Promise<Version[]> {
    const { items } = await weir.client.list(Secret, {
      namespace: NAMESPACE,
      labelSelector: 'owner=helm',
    });
    return items.map(({ metadata: { labels = {} } }) => ({
      name: labels.name ?? '',
      version: Number(labels.version),
      status: labels.status ?? '',
    }));
  }

  it('one of them is killed in the middle of upgrades: the other one goes on with its releases', async () => {
    await publish(['small-1.1.0']);
    await look();
    const upgraded = async () => (await versions()).filter(({ version }) => version === 2).length;
    await until(async () => (await upgraded()) > 0, {
      timeoutMs: LONG_MS,
      intervalMs: 5,
      message: 'the first upgrade',
    });
    await second.kill();
    await allAt('1.1.0');
    const left = await versions();
    for (const name of names) {
      const own = left.filter((one) => one.name === name);
      assert.deepEqual(
        own.filter(({ status }) => status === 'deployed').length,
        1,
        JSON.stringify(own),
      );
      assert.deepEqual(
        own.filter(({ status }) => status.startsWith('pending-')),
        [],
      );
      // An upgrade that was killed is made again at most.
      assert.ok(
        own.every(({ version }) => version <= 3),
        JSON.stringify(own),
      );
    }
  });

  it('the versions that a watch missed are too old: it lists again, and puts back what was deleted meanwhile', async () => {
    const listed = async () =>
      (await weir.cluster.audit()).filter(
        ({ verb, user, requestURI }) =>
          verb === 'list' &&
          user.username.endsWith(':weir-helm-release') &&
          requestURI.startsWith('/api/v1/configmaps?'),
      ).length;
    const [name = ''] = names;
    const ref = { namespace: NAMESPACE, name: `${name}-cfg` };
    const before = await listed();
    process.kill(first.pid, 'SIGSTOP');
    try {
      await weir.cluster.restart('kube-apiserver');
      await weir.client.delete(ConfigMap, ref);
      await publish(['small-2.0.0']);
      await look();
    } finally {
      process.kill(first.pid, 'SIGCONT');
    }
    await weir.wait(ConfigMap, ref, () => true, LONG_MS);
    await allAt('2.0.0');
    assert.ok((await listed()) > before, 'it looked at what there is');
  });
});
