// Mistakes of users, charts and others about one HelmRelease: each ends in a condition that names it, and is corrected.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { findCondition, HelmChart, HelmRelease, type HelmReleaseSpec, READY } from '@weir/api';
import { listen } from '@weir/cluster';
import { ConfigMap, RoleBinding, Secret, ServiceAccount } from '@weir/kube';
import { type Admission, admit } from './testing/admission.ts';
import { configMap } from './testing/charts.ts';
import { type Harness, startHarness, until } from './testing/harness.ts';

const timeoutMs = 60_000;
/** Longer than the pauses between two runs that aren't delayed, in ms. */
const PAUSE_MS = 6_000;

let h: Harness;
before(async () => {
  h = await startHarness();
});
after(() => h?.close());

/** A namespace with the chart, and a release of it that is Ready. */
async function released(spec: Partial<HelmReleaseSpec> = {}): Promise<string> {
  const ns = await h.namespace();
  await h.chart(ns);
  await h.release(ns, 'web', spec);
  await h.ready(ns, 'web', 'True');
  return ns;
}

async function request(namespace: string, name = 'web'): Promise<void> {
  const annotations = { 'reconcile.fluxcd.io/requestedAt': new Date().toISOString() };
  const body = { metadata: { annotations } };
  await h.client.patch(HelmRelease, { namespace, name }, body, { kind: 'merge' });
}

test('a chart whose server sends something else is not used', async () => {
  const ns = await h.namespace();
  await h.chart(ns);
  const server = await listen((_, response) => response.end('something else'));
  try {
    const digest = `sha256:${'0'.repeat(64)}`;
    const artifact = { digest, url: `${server.url}/chart.tgz`, revision: '9.9.9' };
    const body = { status: { artifact } };
    const how = { kind: 'merge', subresource: 'status' } as const;
    await h.client.patch(HelmChart, { namespace: ns, name: 'app' }, body, how);
    await h.release(ns, 'web');
    const failed = await h.ready(
      ns,
      'web',
      'False',
      /sent other content than sha256:0{64}: is it still the same source\?$/,
    );
    assert.equal(findCondition(failed.status?.conditions, READY)?.reason, 'ArtifactFailed');
    assert.deepEqual(await h.versions(ns, 'web'), []);
    await h.chart(ns);
    await h.ready(ns, 'web', 'True');
  } finally {
    await server.close();
  }
});

test('a template error names file and line, a schema violation path and rule', async () => {
  const ns = await h.namespace();
  const bad = configMap('bad', '{{ .Values.missing.value }}');
  await h.chart(ns, { files: { 'templates/bad.yaml': bad } });
  await h.release(ns, 'web');
  await h.ready(
    ns,
    'web',
    'False',
    /with chart app@1\.0\.0: app\/templates\/bad\.yaml:7:19\n.*<\.Values\.missing\.value>/,
  );
  const schema = { properties: { color: { type: 'string', enum: ['blue', 'red'] } } };
  await h.chart(ns, {
    version: '1.0.1',
    files: { 'values.schema.json': JSON.stringify(schema) },
  });
  await h.release(ns, 'web', { values: { color: 'pink' } });
  await h.ready(ns, 'web', 'False', /at '\/color': value must be one of 'blue', 'red'/);
});

test('a version that is corrupt in storage is said, and nothing is written over it', async () => {
  const ns = await released();
  const ref = { namespace: ns, name: 'sh.helm.release.v1.web.v1' };
  const { data: good } = await h.client.get<typeof Secret & { data: object } & never>(Secret, ref);
  const release = Buffer.from('no release').toString('base64');
  await h.client.patch(Secret, ref, { data: { release } }, { kind: 'merge' });
  await request(ns);
  await h.ready(ns, 'web', 'False', /Could not determine release state: .*/);
  assert.deepEqual(await h.versions(ns, 'web'), [ref.name]);
  await h.client.patch(Secret, ref, { data: good }, { kind: 'merge' });
  await h.ready(ns, 'web', 'True');
});

test('an account that is missing or may nothing is named, with the verb and what it was for', async () => {
  const ns = await h.namespace();
  await h.chart(ns);
  await h.release(ns, 'web', { serviceAccountName: 'nobody' });
  const forbidden = new RegExp(
    `User "system:serviceaccount:${ns}:nobody" cannot list resource "secrets" in API group "" in the namespace "${ns}"`,
  );
  await h.ready(ns, 'web', 'False', forbidden);
  const account = { apiVersion: 'v1', kind: 'ServiceAccount' };
  await h.client.create(ServiceAccount, {
    ...account,
    metadata: { namespace: ns, name: 'nobody' },
  });
  await request(ns);
  await h.ready(ns, 'web', 'False', forbidden);
  await h.release(ns, 'web');
  await h.ready(ns, 'web', 'True');
});

test('a release whose storage moves is uninstalled where it was, and kept in mind until it is', async () => {
  const [ns, before, later] = [await h.namespace(), await h.namespace(), await h.namespace()];
  await h.chart(ns);
  const account = { namespace: ns, name: 'web' };
  await h.client.create(ServiceAccount, {
    ...{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: account },
  });
  const allow = (namespace: string) =>
    h.client.create(RoleBinding, {
      ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding' },
      metadata: { namespace, name: 'web' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'admin' },
      subjects: [{ kind: 'ServiceAccount', ...account }],
    });
  for (const namespace of [ns, before, later]) await allow(namespace);
  const spec = { serviceAccountName: 'web' };
  await h.release(ns, 'web', { ...spec, storageNamespace: before });
  await h.ready(ns, 'web', 'True');
  const version = 'sh.helm.release.v1.web.v1';
  assert.deepEqual(await h.versions(before, 'web'), [version]);

  await h.client.delete(RoleBinding, { namespace: before, name: 'web' });
  await h.release(ns, 'web', { ...spec, storageNamespace: later });
  const failed = await h.ready(ns, 'web', 'False', new RegExp(`in the namespace "${before}"`));
  assert.equal(failed.status?.storageNamespace, before);
  assert.equal(failed.status?.history?.[0]?.version, 1);
  assert.deepEqual(await h.versions(before, 'web'), [version]);
  assert.deepEqual(await h.versions(later, 'web'), []);
  assert.equal((await h.configMap(ns, 'web-cfg'))?.data?.color, 'blue');

  await allow(before);
  await request(ns);
  const moved = await h.ready(ns, 'web', 'True', /install succeeded/);
  assert.equal(moved.status?.storageNamespace, later);
  assert.deepEqual(await h.versions(before, 'web'), []);
  assert.deepEqual(await h.versions(later, 'web'), [version]);
});

test('a target namespace that is missing is named, until it is there', async () => {
  const ns = await h.namespace();
  await h.chart(ns);
  await h.release(ns, 'web', { targetNamespace: `${ns}-later` });
  await h.ready(ns, 'web', 'False', new RegExp(`namespaces "${ns}-later" not found`));
  await h.cluster.request('POST', '/api/v1/namespaces', { metadata: { name: `${ns}-later` } });
  await h.release(ns, 'web', { targetNamespace: `${ns}-later`, values: { color: 'red' } });
  await h.ready(ns, 'web', 'True');
});

test('two HelmReleases of one release name, both of which put drift back, take turns less and less often', async () => {
  const ns = await released({ driftDetection: { mode: 'enabled' } });
  await h.release(ns, 'other', { releaseName: 'web', driftDetection: { mode: 'enabled' } });
  await h.ready(ns, 'other', 'True', /upgrade succeeded for release .*\/web\.v2/);
  // Each of them upgrades what the other one has released, as in Flux. Without growing pauses that would never end.
  let highest = 0;
  let since = performance.now();
  await until(
    async () => {
      const versions = (await h.versions(ns, 'web')).map((name) => Number(name.replace(/.*v/, '')));
      if (Math.max(...versions) > highest) since = performance.now();
      highest = Math.max(...versions, highest);
      return performance.now() - since > PAUSE_MS;
    },
    { timeoutMs, message: 'a pause' },
  );
  assert.ok(highest < 20, `${highest} versions`);
});

test('what an admission webhook refuses is said in its words, and released when it lets it through', async () => {
  const ns = await h.namespace();
  await h.chart(ns);
  let said: Admission = { refused: 'maps need an owner' };
  const end = await admit(h.client, ns, () => said);
  try {
    await h.release(ns, 'web', { install: { remediation: { retries: -1 } } });
    await h.ready(
      ns,
      'web',
      'False',
      /admission webhook "test\.example\.com" denied the request: maps need an owner/,
    );
    said = undefined;
    await request(ns);
    await h.ready(ns, 'web', 'True');
  } finally {
    await end();
  }
});

test('what an admission webhook adds is no drift', async () => {
  const ns = await h.namespace();
  await h.chart(ns);
  const patch = [{ op: 'add', path: '/data/added', value: 'x' }];
  const end = await admit(h.client, ns, ({ data }: { data?: object } & object) =>
    data === undefined ? undefined : { patch },
  );
  try {
    await h.release(ns, 'web', { driftDetection: { mode: 'enabled' } });
    await h.ready(ns, 'web', 'True');
    const ref = { namespace: ns, name: 'web-cfg' };
    assert.equal((await h.configMap(ns, 'web-cfg'))?.data?.added, 'x');
    await h.client.patch(ConfigMap, ref, { data: { color: 'hand' } }, { kind: 'merge' });
    await until(async () => (await h.configMap(ns, 'web-cfg'))?.data?.color === 'blue', {
      ...{ timeoutMs, message: 'the change by hand to be put back' },
    });
    const about = (reason: string) =>
      h.events.filter(({ event }) => event.reason === reason && isIn(event, ns)).length;
    await until(() => about('DriftCorrected') > 0, { timeoutMs, message: 'its event' });
    await request(ns);
    await until(
      async () => {
        const { metadata, status } = await h.read(ns, 'web');
        return (
          status?.lastHandledReconcileAt ===
          metadata.annotations?.['reconcile.fluxcd.io/requestedAt']
        );
      },
      { timeoutMs, message: 'the request to be answered' },
    );
    assert.equal(about('DriftCorrected'), 1);
    assert.deepEqual(await h.versions(ns, 'web'), ['sh.helm.release.v1.web.v1']);
  } finally {
    await end();
  }
});

function isIn(event: { involvedObject: { namespace?: string } }, namespace: string): boolean {
  return event.involvedObject.namespace === namespace;
}
