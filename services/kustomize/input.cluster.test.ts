// Mistakes of users: each gives a condition with Flux's reason that says what is wrong and where, and other
// Kustomizations go on.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { findCondition, type KustomizationSpec, READY } from '@weir/api';
import { createAuthority } from '@weir/cluster';
import {
  configMap,
  type Files,
  type Harness,
  MERGE,
  manifests,
  startHarness,
  until,
} from './testing/harness.ts';

let h: Harness;
before(async () => {
  h = await startHarness({ 'requeue-dependency': '1h', 'build-timeout': '8s' });
});
after(() => h?.close());

const LONG = { timeoutMs: 20_000 };
const kustomizations = (namespace: string) =>
  `/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/${namespace}/kustomizations`;

/** A Kustomization of these files fails with this message; another one from the same source is applied. */
async function fails(
  files: Files,
  reason: string,
  message: RegExp,
  spec: Partial<KustomizationSpec> = {},
): Promise<string> {
  const ns = await h.namespace();
  const good = { 'good/a.yaml': manifests(configMap(ns, 'good')) };
  await h.publish(ns, { ...good, ...files });
  await h.kustomization(ns, 'app', { path: './app', targetNamespace: ns, ...spec });
  await h.kustomization(ns, 'good', { path: './good' });
  await h.ready(ns, 'good', 'True');
  const failed = await h.ready(ns, 'app', 'False');
  const ready = findCondition(failed.status?.conditions, READY);
  assert.match(ready?.message ?? '', message);
  assert.equal(ready?.reason, reason);
  return ns;
}

const overlay = (fields: object) => JSON.stringify(fields);
const map = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n`;

test('the same object twice is named', async () => {
  await fails(
    { 'app/a.yaml': map('twice'), 'app/b.yaml': map('twice') },
    'BuildFailed',
    /already registered id: ConfigMap\.v1\.\[noGrp\]\/twice/,
  );
});

test('a tab in YAML is named with its file and line', async () => {
  await fails(
    { 'app/a.yaml': `${map('a')}data:\n\tkey: value\n` },
    'BuildFailed',
    /app\/a\.yaml.* line 6.*tab|app\/a\.yaml.* line 6.*cannot start any token/s,
  );
});

test('a file that is not there is named', async () => {
  const kustomization = overlay({ resources: ['missing.yaml'] });
  await fails(
    { 'app/kustomization.yaml': kustomization },
    'BuildFailed',
    /app\/missing\.yaml.*no such file or directory/s,
  );
});

test('remote bases and helm charts are refused by name', async () => {
  const remote = 'https://github.com/stefanprodan/podinfo//kustomize?ref=6.0.0';
  await fails(
    { 'app/kustomization.yaml': overlay({ resources: [remote] }) },
    'BuildFailed',
    /remote resource 'https:\/\/github\.com\/stefanprodan\/podinfo\/\/kustomize\?ref=6\.0\.0' in app\/kustomization\.yaml is not allowed: add it to the source$/,
  );
  await fails(
    { 'app/kustomization.yaml': overlay({ helmCharts: [{ name: 'redis', repo: remote }] }) },
    'BuildFailed',
    /helm charts in app\/kustomization\.yaml are not allowed: use a HelmRelease$/,
  );
});

test('nothing outside of the artifact is read', async () => {
  const kustomization = overlay({ resources: ['../../../etc/passwd'] });
  await fails(
    { 'app/kustomization.yaml': kustomization },
    'BuildFailed',
    /etc\/passwd.*path leaves the artifact/s,
  );
  await fails({ 'app/a.yaml': map('a') }, 'ArtifactFailed', /etc: no such file or directory$/, {
    path: '../../../etc',
  });
});

test('a build that would never end is ended, and the next one is not kept waiting', async () => {
  // Each layer includes the one below it twice, so that layer n has 2^n objects.
  const layers = Array.from({ length: 30 }, (_, n) => [
    [`l${n + 1}/kustomization.yaml`, overlay({ resources: ['left', 'right'] })],
    [`l${n + 1}/left/kustomization.yaml`, overlay({ namePrefix: 'l', resources: [`../../l${n}`] })],
    [
      `l${n + 1}/right/kustomization.yaml`,
      overlay({ namePrefix: 'r', resources: [`../../l${n}`] }),
    ],
  ]).flat();
  const files = {
    ...Object.fromEntries(layers),
    'l0/kustomization.yaml': overlay({ resources: ['a.yaml'] }),
    'l0/a.yaml': map('a'),
  };
  await fails(
    files,
    'BuildFailed',
    /^kustomize build failed: '\.\/l30' took longer than 8s .*: split it into several Kustomizations, or raise the limit$/,
    {
      path: './l30',
    },
  );
});

test('an immutable field is named; force makes the object anew', async () => {
  const ns = await h.namespace();
  const fixed = (v: string, annotations = {}) => {
    const object = configMap(ns, 'fixed', { v });
    return manifests({
      ...object,
      metadata: { ...object.metadata, annotations },
      immutable: true,
    });
  };
  await h.publish(ns, { 'a.yaml': fixed('1') });
  await h.kustomization(ns, 'app');
  await h.ready(ns, 'app', 'True');
  const uid = (await h.configMap(ns, 'fixed'))?.metadata.uid;

  await h.publish(ns, { 'a.yaml': fixed('2') });
  const failed = await h.ready(ns, 'app', 'False');
  const ready = findCondition(failed.status?.conditions, READY);
  assert.equal(ready?.reason, 'ReconciliationFailed');
  assert.match(
    ready?.message ?? '',
    new RegExp(`^ConfigMap/${ns}/fixed dry-run failed \\(Invalid\\): .*immutable`),
  );
  await h.kustomization(ns, 'app', { force: true });
  await h.ready(ns, 'app', 'True');
  const second = await h.configMap(ns, 'fixed');
  assert.deepEqual(second?.data, { v: '2' });
  assert.notEqual(second?.metadata.uid, uid);

  await h.kustomization(ns, 'app', { force: false });
  const marked = fixed('3', { 'kustomize.toolkit.fluxcd.io/force': 'enabled' });
  const revision = await h.publish(ns, { 'a.yaml': marked });
  await h.ready(ns, 'app', 'True', new RegExp(revision));
  assert.deepEqual((await h.configMap(ns, 'fixed'))?.data, { v: '3' });
});

test('a namespace that is missing, and one that is not given', async () => {
  await fails(
    { 'app/a.yaml': map('lost') },
    'ReconciliationFailed',
    /^ConfigMap\/nowhere\/lost not found: namespaces "nowhere" not found/,
    { targetNamespace: 'nowhere' },
  );
  await fails(
    { 'other/a.yaml': map('homeless') },
    'ReconciliationFailed',
    /^ConfigMap\/homeless namespace not specified/,
    { path: './other', targetNamespace: undefined } as unknown as Partial<KustomizationSpec>,
  );
});

test('an admission webhook that refuses, and one that does not answer', async () => {
  const authority = await createAuthority('webhooks');
  const { certificate: cert, key } = await authority.serving(['127.0.0.1']);
  let hangs = false;
  const server = createServer({ cert, key }, async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (hangs) return;
    const { uid } = JSON.parse(Buffer.concat(chunks).toString()).request;
    const status = { code: 403, message: 'maps need an owner' };
    const answer = { uid, allowed: false, status };
    const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answer };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(review));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const path = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
  try {
    const ns = await h.namespace();
    await h.cluster.request('POST', path, {
      metadata: { name: 'owners' },
      webhooks: [
        {
          name: 'owners.example.com',
          clientConfig: {
            url: `https://127.0.0.1:${port}/`,
            caBundle: Buffer.from(authority.certificate).toString('base64'),
          },
          rules: [
            { apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps'] },
          ],
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': ns } },
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          timeoutSeconds: 1,
        },
      ],
    });
    await until(
      async () => {
        const probe = h.cluster.request(
          'POST',
          `/api/v1/namespaces/${ns}/configmaps?dryRun=All`,
          configMap(ns, 'probe'),
        );
        return probe.then(
          () => false,
          () => true,
        );
      },
      { ...LONG, message: 'the webhook to be asked' },
    );
    await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a')) });
    await h.kustomization(ns, 'app', { retryInterval: '1s' });
    await h.ready(
      ns,
      'app',
      'False',
      new RegExp(
        `^ConfigMap/${ns}/a dry-run failed.*: admission webhook "owners.example.com" denied the request: maps need an owner`,
      ),
    );
    hangs = true;
    await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'b')) });
    await h.ready(
      ns,
      'app',
      'False',
      new RegExp(`^ConfigMap/${ns}/b dry-run failed.*owners\\.example\\.com.*deadline exceeded`),
    );
    await h.cluster.request('DELETE', `${path}/owners`);
    await h.ready(ns, 'app', 'True');
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('what another manager holds is taken over, and put back when it takes it again', async () => {
  const ns = await h.namespace();
  const path = `/api/v1/namespaces/${ns}/configmaps/a`;
  const theirs = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } };
  const take = (v: string) =>
    h.cluster.request(
      'PATCH',
      `${path}?fieldManager=rival&force=true`,
      { ...theirs, data: { v } },
      {
        contentType: 'application/apply-patch+yaml',
      },
    );
  await take('theirs');
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a', { v: 'ours' })) });
  await h.kustomization(ns, 'app');
  await h.ready(ns, 'app', 'True');
  const value = async () => (await h.configMap(ns, 'a'))?.data as { v: string } | undefined;
  assert.equal((await value())?.v, 'ours');
  await take('theirs again');
  await until(async () => (await value())?.v === 'ours', {
    ...LONG,
    message: 'the field to be back',
  });
});

test('a finalizer that is stuck holds up neither a prune nor the deletion', async () => {
  const ns = await h.namespace();
  const stuck = (name: string) => ({
    ...configMap(ns, name),
    metadata: { name, namespace: ns, finalizers: ['example.com/never'] },
  });
  const isLeaving = async (name: string) =>
    (await h.configMap(ns, name))?.metadata.deletionTimestamp !== undefined;
  await h.publish(ns, { 'a.yaml': manifests(stuck('pruned'), stuck('deleted')) });
  await h.kustomization(ns, 'app');
  await h.ready(ns, 'app', 'True');
  const revision = await h.publish(ns, { 'a.yaml': manifests(stuck('deleted')) });
  const pruned = await h.ready(ns, 'app', 'True', new RegExp(revision));
  assert.deepEqual(
    pruned.status?.inventory?.entries.map(({ id }) => id),
    [`${ns}_deleted__ConfigMap`],
  );
  assert.ok(await isLeaving('pruned'));

  await h.cluster.request('DELETE', `${kustomizations(ns)}/app`);
  await goneKustomization(ns, 'app');
  assert.ok(await isLeaving('deleted'));
  const letGo = { metadata: { finalizers: null } };
  for (const name of ['pruned', 'deleted']) {
    await h.cluster.request('PATCH', `/api/v1/namespaces/${ns}/configmaps/${name}`, letGo, MERGE);
  }
});

test('a source that was deleted is named, and what was applied stays', async () => {
  const ns = await h.namespace();
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a')) });
  await h.kustomization(ns, 'app', { interval: '1s', retryInterval: '1s' });
  await h.ready(ns, 'app', 'True');
  const sources = `/apis/source.toolkit.fluxcd.io/v1/namespaces/${ns}/gitrepositories/git`;
  await h.cluster.request('DELETE', sources);
  const failed = await h.ready(ns, 'app', 'False', /^GitRepository.* "git" not found$/);
  assert.equal(findCondition(failed.status?.conditions, READY)?.reason, 'ArtifactFailed');
  assert.ok(await h.configMap(ns, 'a'));
  assert.equal(failed.status?.inventory?.entries.length, 1);
});

test('an account that does not exist is named', async () => {
  await fails(
    { 'app/a.yaml': map('a') },
    'ReconciliationFailed',
    /\(Forbidden\).*"system:serviceaccount:test-\d+:nobody" cannot (get|patch) resource "configmaps"/,
    { serviceAccountName: 'nobody' },
  );
});

test('a loop of dependencies is named in each of its members, and ends when it is cut', async () => {
  const ns = await h.namespace();
  const names = ['a', 'b', 'c'];
  const files = names.map((name) => [`${name}/a.yaml`, manifests(configMap(ns, name))]);
  await h.publish(ns, Object.fromEntries(files));
  const create = (name: string, ...dependsOn: string[]) =>
    h.kustomization(ns, name, {
      path: `./${name}`,
      dependsOn: dependsOn.map((it) => ({ name: it })),
    });
  await create('a', 'b');
  await create('b', 'c');
  await create('c', 'a');
  const keys = names.map((name) => `${ns}/${name}`);
  for (const [at, name] of names.entries()) {
    const loop = [0, 1, 2, 3].map((step) => keys[(at + step) % 3]).join(' -> ');
    const { status } = await h.ready(ns, name, 'False', /dependency loop/);
    const ready = findCondition(status?.conditions, READY);
    assert.equal(ready?.reason, 'DependencyNotReady');
    assert.equal(
      ready?.message,
      `dependency '${keys[(at + 1) % 3]}' is not ready: dependency loop ${loop}: remove one of these from dependsOn`,
    );
  }
  await create('c');
  for (const name of names) await h.ready(ns, name, 'True');
});

async function goneKustomization(namespace: string, name: string): Promise<void> {
  const isGone = async () =>
    (await h.find('kustomize.toolkit.fluxcd.io/v1', 'Kustomization', { namespace, name })) ===
    undefined;
  await until(isGone, { ...LONG, message: `${namespace}/${name} to be gone` });
}
