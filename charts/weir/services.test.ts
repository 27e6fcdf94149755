// The chart must allow everything that a commit needs on its way to an alert, and something must need everything that
// the chart allows.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type GitServer, type Receiver, startGitServer, startReceiver, until } from '@weir/cluster';
import {
  alert,
  bucket,
  gitRepository,
  helmChart,
  helmRelease,
  helmRepository,
  imagePolicy,
  imageRepository,
  imageUpdateAutomation,
  kustomization,
  manifest,
  ociRepository,
  provider,
  secret,
  webhook,
} from './manifests.ts';
import { type Release, startRelease } from './processes.ts';
import { isUsed, type Right, rightsOf, rightsUsed } from './rights.ts';
import { CHART, find, NAMESPACE, render, SERVICES } from './testing.ts';

/** Rights that the commit below doesn't need: a pattern for each, and the code that needs them. */
const USED_ELSEWHERE: { right: RegExp; file: string; code: string }[] = [
  {
    // This counts up an event of the same kind within minutes.
    right: /^events patch$/,
    file: 'libs/events/kubernetesevents.ts',
    code: 'client.patch(Event',
  },
  {
    // This is needed after a conflict with another writer.
    right:
      /^(buckets|gitrepositories|helmcharts|helmrepositories|image\w+|providers)\.(source|image|notification)\.toolkit\.fluxcd\.io get$/,
    file: 'libs/controller/finalizers.ts',
    code: 'client.get<T>(kind, ref)',
  },
  {
    // These are the labels of every kind that an Alert can name; rights.test.ts compares the kinds.
    right: /^\w+\.(?:source|source\.extensions|helm|image)\.(?:toolkit\.)?fluxcd\.io get$/,
    file: 'services/notification/alerts/labels.ts',
    code: 'client.get(type',
  },
  {
    // A webhook requests a reconcile by an annotation.
    right: /^(?!receivers)\w+\.[\w.]+\.fluxcd\.io patch$/,
    file: 'services/notification/receivers/resources.ts',
    code: 'client.patch(type',
  },
  {
    // A webhook finds objects by labels.
    right: /^(?!receivers|alerts|providers)\w+\.[\w.]+\.fluxcd\.io list$/,
    file: 'services/notification/receivers/resources.ts',
    code: 'client.list(type',
  },
  {
    // This is needed after a conflict with another writer.
    right: /^receivers\.notification\.toolkit\.fluxcd\.io get$/,
    file: 'libs/controller/finalizers.ts',
    code: 'client.get<T>(kind, ref)',
  },
  {
    // This reads an Alert that another replica has seen earlier.
    right: /^alerts\.notification\.toolkit\.fluxcd\.io get$/,
    file: 'services/notification/alerts/current.ts',
    code: 'client.get<Alert>(Alert',
  },
];

describe('the containers of the chart', () => {
  let release: Release;
  let git: GitServer;
  let receiver: Receiver;

  before(async () => {
    git = await startGitServer();
    receiver = await startReceiver();
    release = await startRelease();
  });
  after(async () => {
    await release?.close();
    await Promise.all([git?.close(), receiver?.close()]);
  });

  for (const name of SERVICES) {
    it(`get ready: ${name}`, async () => {
      await until(async () => release.output(name).includes(`ready: ${name}\n`), {
        timeoutMs: 120_000,
        message: `${name} to be ready`,
      });
    });
  }

  it('carry a commit to the cluster and an alert to its receiver', async () => {
    const login = { username: 'weir', password: 'pass' };
    const repository = await git.createRepository('app', { auth: login });
    const configMap = manifest('v1', 'ConfigMap', { name: 'app' });
    await repository.commit({
      'app/configmap.yaml': configMap,
      'chart/Chart.yaml': 'apiVersion: v2\nname: app\nversion: 1.0.0\n',
      'chart/templates/configmap.yaml': manifest('v1', 'ConfigMap', { name: 'released' }),
    });
    const { code, stderr } = await release.cluster.kubectl(['apply', '-f', '-'], {
      input: [
        secret('default', 'login', login),
        secret('default', 'address', { address: receiver.url }),
        gitRepository('default', 'app', repository.url, { secretRef: { name: 'login' } }),
        // Nothing listens at this address. The object is here for the rights that are needed before that shows.
        ociRepository('default', 'away', {
          ...{ url: 'oci://127.0.0.1:1/app', serviceAccountName: 'default' },
        }),
        bucket('default', 'away', '127.0.0.1:1'),
        helmRepository('default', 'away', 'http://127.0.0.1:1/charts'),
        helmChart('default', 'app', 'app'),
        helmRelease('default', 'app'),
        imageRepository('default', 'away', {
          ...{ image: '127.0.0.1:1/app', serviceAccountName: 'default' },
          secretRef: { name: 'login' },
        }),
        imagePolicy('kube-public', 'away', { name: 'away', namespace: 'default' }),
        imageUpdateAutomation('default', 'away', 'missing'),
        provider('default', 'chat', { type: 'generic', secretRef: { name: 'address' } }),
        alert('default', 'all', 'chat'),
        secret('default', 'hook', { token: 'token' }),
        webhook('default', 'hook'),
        kustomization('default', 'app'),
      ].join('\n---\n'),
    });
    assert.equal(code, 0, stderr);
    const ready = [
      ...[
        'gitrepository/app',
        'helmchart/app',
        'kustomization/app',
        'helmrelease/app',
        'receiver/hook',
      ],
    ];
    for (const object of ready) {
      const wait = ['wait', '--for=condition=Ready', '--timeout=60s', object];
      const waited = await release.cluster.kubectl(wait);
      const logs = ['source', 'kustomize', 'helm-release', 'notification'].map(log);
      assert.equal(waited.code, 0, `${waited.stderr}\n${logs.join('\n')}`);
    }
    for (const object of ['ocirepository/away', 'bucket/away', 'helmrepository/away']) {
      const away = ['wait', '--for=condition=FetchFailed', '--timeout=60s', object];
      assert.equal((await release.cluster.kubectl(away)).code, 0, log('source'));
    }
    for (const object of [
      'imagerepository/away',
      'imagepolicy/away',
      'imageupdateautomation/away',
    ]) {
      const namespace = object.startsWith('imagepolicy') ? 'kube-public' : 'default';
      const away = ['wait', '--for=condition=Ready=False', '--timeout=60s', object];
      const { code } = await release.cluster.kubectl([...away, '-n', namespace]);
      assert.equal(code, 0, log('image-automation'));
    }
    await release.cluster.request('GET', '/api/v1/namespaces/default/configmaps/app');
    await release.cluster.request('GET', '/api/v1/namespaces/default/configmaps/released');
    await until(
      () => receiver.requests().some(({ body }) => body.includes('ReconciliationSucceeded')),
      { timeoutMs: 30_000, message: `the alert to arrive; ${log('notification')}` },
    );
  });

  it('were never refused by Kubernetes or NATS', () => {
    const refused = /forbidden|permissions violation/i;
    for (const name of SERVICES) assert.doesNotMatch(release.output(name), refused);
  });

  it('used each right that they have', async () => {
    await release.stop();
    const events = await release.cluster.audit();
    const usedBy = (name: string) =>
      rightsUsed(events, `system:serviceaccount:${NAMESPACE}:weir-${name}`);
    const manifests = await render();
    const unused: Record<string, Right[]> = {};
    for (const name of SERVICES) {
      const used = usedBy(name);
      const granted = rightsOf([find(manifests, 'ClusterRole', `weir-${name}`)]);
      const left = granted.filter((right) => !isUsed(right, used) && !isUsedElsewhere(right));
      if (left.length > 0) unused[name] = left;
    }
    assert.deepEqual(unused, {}, 'rights that no code uses');
    // All services have the same rights on Leases, because the same code writes the Lease of each replica.
    const all = new Set(SERVICES.flatMap((name) => [...usedBy(name)]));
    const leases = rightsOf([find(manifests, 'Role', 'weir-source')]);
    assert.deepEqual(
      leases.filter((right) => !isUsed(right, all)),
      [],
    );
  });

  it('need elsewhere what this commit did not need', async () => {
    for (const { file, code } of USED_ELSEWHERE) {
      const text = await readFile(join(CHART, '../..', file), 'utf8');
      assert.ok(text.includes(code), `${file} has ${code}`);
    }
  });

  /** The last lines that a service has written. */
  function log(name: string): string {
    return `${name}: ${release.output(name).slice(-4_000)}`;
  }
});

function isUsedElsewhere(granted: Right): boolean {
  return USED_ELSEWHERE.some(({ right }) => right.test(granted));
}
