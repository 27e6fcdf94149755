import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { GitRepository, Kustomization } from '@weir/api';
import { until } from '@weir/cluster';
import {
  gitRepository,
  isReady,
  kustomization,
  startWeir,
  type Weir,
  type WeirProcess,
} from '@weir/kit';
import { ConfigMap } from '@weir/kube';
import { stoppedAfter } from './suite.ts';

const NAMESPACE = 'faults';
const OWNER = 'kustomize.toolkit.fluxcd.io/name';

/** Leases are short, so that the keys of a killed replica are soon taken over. */
const FLAGS = ['--lease-duration=3s', '--lease-renew-interval=500ms'];

describe('things that break', () => {
  const started = stoppedAfter();
  let weir: Weir;
  let kustomize: WeirProcess;

  /** Many small objects, so that an apply takes long enough to be interrupted. */
  function configMaps(names: readonly string[], value: string): Record<string, string> {
    const documents = names.map(
      (name) => `apiVersion: v1
kind: ConfigMap
metadata: {name: ${name}, namespace: ${NAMESPACE}}
data: {value: ${value}}
`,
    );
    return { 'all.yaml': documents.join('---\n') };
  }

  async function appliedBy(owner: string) {
    const labelSelector = `${OWNER}=${owner}`;
    const { items } = await weir.client.list(ConfigMap, { namespace: NAMESPACE, labelSelector });
    return items;
  }

  async function deploy(name: string, files: Record<string, string>, spec = {}): Promise<void> {
    const { url } = await weir.repository(name);
    const commit = await weir.commit(name, files);
    await weir.apply(
      gitRepository(NAMESPACE, name, url),
      kustomization(NAMESPACE, name, name, spec),
    );
    await weir.wait(Kustomization, { namespace: NAMESPACE, name }, isReady(commit));
  }

  async function push(name: string, files: Record<string, string>): Promise<string> {
    const commit = await weir.commit(name, files);
    await weir.requestReconcile(GitRepository, { namespace: NAMESPACE, name }, commit);
    return commit;
  }

  before(async () => {
    weir = await startWeir(started, {
      processes: [['source', 'notification']],
      flags: FLAGS,
      cluster: { audit: true },
    });
    kustomize = await weir.start(['kustomize'], { name: 'kustomize-first' });
    await weir.namespace(NAMESPACE);
    await deploy('steady', configMaps(['steady'], 'one'));
  });

  it('a port is taken: the process ends and says what to do', async () => {
    const [first] = weir.processes;
    const taken = new URL(first?.health ?? '').port;
    await assert.rejects(
      weir.start(['source'], { name: 'source-elsewhere', flags: [`--artifact-port=${taken}`] }),
      /exit code 2 of .*EADDRINUSE.*choose another port with --health-port or --artifact-port/s,
    );
  });

  it('NATS is away: commits are carried over all the same', async () => {
    await weir.cluster.stop('nats-server');
    const commit = await push('steady', configMaps(['steady'], 'two'));
    await weir.wait(GitRepository, { namespace: NAMESPACE, name: 'steady' }, isReady(commit));
    await weir.wait(Kustomization, { namespace: NAMESPACE, name: 'steady' }, isReady(commit));
    await weir.cluster.start('nats-server');
  });

  it('NATS was restarted: alerts of the time without it arrive', async () => {
    const alert = 'notification.toolkit.fluxcd.io/v1beta3';
    await weir.apply(
      {
        apiVersion: alert,
        kind: 'Provider',
        metadata: { namespace: NAMESPACE, name: 'chat' },
        spec: { type: 'slack', address: `${weir.chat.url}/services/T0/B0/x` },
      },
      {
        apiVersion: alert,
        kind: 'Alert',
        metadata: { namespace: NAMESPACE, name: 'chat' },
        spec: {
          providerRef: { name: 'chat' },
          eventSources: [{ kind: 'Kustomization', name: '*' }],
        },
      },
    );
    await weir.cluster.stop('nats-server');
    const commit = await push('steady', configMaps(['steady'], 'three'));
    await weir.wait(Kustomization, { namespace: NAMESPACE, name: 'steady' }, isReady(commit));
    await weir.cluster.start('nats-server');
    await weir.received(({ body }) => body.includes(commit));
  });

  it('NATS lost its data: the streams and the artifacts are created again', async () => {
    await weir.cluster.restart('nats-server', { wipe: true });
    const commit = await push('steady', configMaps(['steady'], 'four'));
    await weir.wait(Kustomization, { namespace: NAMESPACE, name: 'steady' }, isReady(commit));
    await weir.received(({ body }) => body.includes(commit));
  });

  it('kube-apiserver was restarted: watches and work go on', async () => {
    await weir.cluster.restart('kube-apiserver');
    const commit = await push('steady', configMaps(['steady'], 'five'));
    await weir.wait(Kustomization, { namespace: NAMESPACE, name: 'steady' }, isReady(commit));
    const [object] = await appliedBy('steady');
    assert.deepEqual(object?.data, { value: 'five' });
  });

  it('the versions that a watch missed are too old: it lists again', async () => {
    // The server ends a watch of a version that is too old with a 410, and the client lists again.
    const listed = async () =>
      (await weir.cluster.audit()).filter(
        ({ verb, user, requestURI }) =>
          verb === 'list' &&
          user.username.endsWith(':weir-kustomize') &&
          requestURI.startsWith('/api/v1/configmaps?'),
      ).length;
    const before = await listed();
    // Weir is stopped while objects change and the API server drops the old versions.
    process.kill(kustomize.pid, 'SIGSTOP');
    try {
      await weir.cluster.restart('kube-apiserver');
      await weir.client.delete(ConfigMap, { namespace: NAMESPACE, name: 'steady' });
    } finally {
      process.kill(kustomize.pid, 'SIGCONT');
    }
    await weir.wait(ConfigMap, { namespace: NAMESPACE, name: 'steady' }, () => true);
    assert.ok((await listed()) > before, 'it looked at what there is');
    const commit = await push('steady', configMaps(['steady'], 'six'));
    await weir.wait(Kustomization, { namespace: NAMESPACE, name: 'steady' }, isReady(commit));
  });

  it('kustomize was killed in the middle of an apply: nothing is orphaned', async () => {
    const names = Array.from({ length: 300 }, (_, index) => `crash-${index}`);
    const { url } = await weir.repository('crash');
    await weir.commit('crash', configMaps(names, 'one'));
    await weir.apply(
      gitRepository(NAMESPACE, 'crash', url),
      kustomization(NAMESPACE, 'crash', 'crash'),
    );
    await until(async () => (await appliedBy('crash')).length > 0, {
      timeoutMs: 30_000,
      intervalMs: 5,
      message: 'the first object of the apply',
    });
    await kustomize.kill();
    const written = (await appliedBy('crash')).length;
    assert.ok(written < names.length, `killed too late: ${written} of ${names.length} were there`);

    // Objects that the interrupted apply created and the next commit drops have to be pruned as well.
    const kept = names.slice(0, 3);
    const commit = await push('crash', configMaps(kept, 'two'));
    await weir.start(['kustomize'], { name: 'kustomize-second' });
    const ref = { namespace: NAMESPACE, name: 'crash' };
    const done = await weir.wait<Kustomization>(Kustomization, ref, isReady(commit), 60_000);
    const left = (await appliedBy('crash')).map(({ metadata }) => metadata.name).sort();
    assert.deepEqual(left, kept);
    const inventory = done.status?.inventory?.entries.map(({ id }) => id).sort();
    assert.deepEqual(
      inventory,
      kept.map((name) => `${NAMESPACE}_${name}__ConfigMap`),
    );
  });
});
