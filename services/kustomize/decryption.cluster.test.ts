// Kustomizations whose sources were encrypted with SOPS.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import type { KustomizationSpec } from '@weir/api';
import { Secret } from '@weir/kube';
import { buildDecryptor } from '@weir/render';
import { type Harness, startHarness, until } from './testing/harness.ts';
import { keepLog } from './testing/logs.ts';

const SECRET = 's3cret';
const timeoutMs = 60_000;
const { log, lines } = keepLog('kustomize');
let h: Harness;
before(async () => {
  await buildDecryptor();
  const flags = { 'sops-age-secret': 'weir-age', 'runtime-namespace': 'weir-system' };
  h = await startHarness(flags, { log });
});
after(() => h?.close());

function sample(name: string): Promise<string> {
  const folder = new URL('../../libs/render/decryptor/testdata/', import.meta.url);
  return readFile(new URL(name, folder), 'utf8');
}

async function keep(namespace: string, name: string, stringData: object, labels = {}) {
  const metadata = { namespace, name, labels };
  const object = { apiVersion: 'v1', kind: 'Secret', metadata, stringData };
  await h.client.apply(Secret, object, { fieldManager: 'test', force: true });
}

const decryption = { provider: 'sops', secretRef: { name: 'keys' } } as const;

async function decrypted(namespace: string, spec: Partial<KustomizationSpec>) {
  await h.kustomization(namespace, 'app', spec);
  await h.ready(namespace, 'app', 'True');
  return dataOf(namespace);
}

async function dataOf(namespace: string): Promise<Record<string, string>> {
  const secret = await h.find('v1', 'Secret', { namespace, name: 'whole' });
  const data = (secret as { data?: Record<string, string> } | undefined)?.data ?? {};
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, atob(value)]));
}

test('with age and OpenPGP keys of a Secret, and the age keys of the operator', async () => {
  const expected = { password: SECRET, user: 'admin' };
  const keys = {
    'identity.agekey': await sample('identity.agekey'),
    'identity.asc': await sample('identity.asc'),
  };
  for (const name of ['age', 'pgp']) {
    const ns = await h.namespace();
    await keep(ns, 'keys', keys);
    await h.publish(ns, { 'a.yaml': await sample(`${name}.secret.yaml`) });
    assert.deepEqual(await decrypted(ns, { targetNamespace: ns, decryption }), expected);
  }
  const ns = await h.namespace();
  await keep('weir-system', 'weir-age', keys);
  await h.publish(ns, { 'a.yaml': await sample('age.secret.yaml') });
  const spec = { targetNamespace: ns, decryption: { provider: 'sops' } as const };
  assert.deepEqual(await decrypted(ns, spec), expected);
});

test('keys that are missing, that do not fit, and that come later', async () => {
  const ns = await h.namespace();
  await h.publish(ns, { 'a.yaml': await sample('age.secret.yaml') });
  await h.kustomization(ns, 'app', { targetNamespace: ns, decryption });
  const missing = await h.ready(ns, 'app', 'False', /secrets "keys" not found/);
  assert.equal(
    missing.status?.conditions?.find(({ type }) => type === 'Ready')?.reason,
    'BuildFailed',
  );

  const labels = { 'reconcile.fluxcd.io/watch': 'Enabled' };
  await keep(ns, 'keys', { 'identity.asc': await sample('identity.asc') }, labels);
  await h.ready(ns, 'app', 'False', /cannot get sops data key.*the Kustomization has none/s);
  await keep(ns, 'keys', { 'identity.agekey': await sample('identity.agekey') }, labels);
  await h.ready(ns, 'app', 'True');
  assert.equal((await dataOf(ns)).password, SECRET);

  // That a key was removed is noticed although the artifact is the same.
  await keep(ns, 'keys', { 'identity.agekey': '# no key any more' }, labels);
  const failed = await h.ready(ns, 'app', 'False', /cannot get sops data key/);
  assert.ok(!JSON.stringify(failed).includes(SECRET));
  assert.equal((await dataOf(ns)).password, SECRET, 'what was applied stays');
});

test('an account for decryption needs a feature gate', async () => {
  const ns = await h.namespace();
  await h.publish(ns, { 'a.yaml': await sample('age.secret.yaml') });
  await h.kustomization(ns, 'app', {
    decryption: { provider: 'sops', serviceAccountName: 'reader' },
  });
  const { status } = await h.ready(ns, 'app', 'False', /enable the ObjectLevelWorkloadIdentity/);
  const stalled = status?.conditions?.find(({ type }) => type === 'Stalled');
  assert.equal(stalled?.reason, 'FeatureGateDisabled');
});

test('nothing of a secret is in events, and nothing is built anew while keys stay', async () => {
  const ns = await h.namespace();
  await keep(ns, 'keys', { 'identity.agekey': await sample('identity.agekey') });
  await h.publish(ns, { 'a.yaml': await sample('age.secret.yaml') });
  const { password } = await decrypted(ns, { targetNamespace: ns, interval: '1s', decryption });
  assert.equal(password, SECRET);
  const reads = async () =>
    (await h.cluster.audit()).filter(
      ({ verb, objectRef }) =>
        verb === 'get' && objectRef?.namespace === ns && objectRef.resource === 'secrets',
    ).length;
  const before = await reads();
  const { status } = await h.read(ns, 'app');
  await until(async () => (await reads()) >= before + 2, { timeoutMs, message: 'two more runs' });
  assert.deepEqual((await h.read(ns, 'app')).status?.history, status?.history);
  assert.ok(!JSON.stringify(h.events).includes(SECRET));
});

test('a variable of a Secret that the API server repeats is masked', async () => {
  const ns = await h.namespace();
  const long = `${SECRET}-${'x'.repeat(80)}`;
  await keep(ns, 'vars', { token: long });
  const labels = { token: `\${token}` };
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', labels } };
  await h.publish(ns, { 'a.yaml': JSON.stringify(object) });
  const substituteFrom = [{ kind: 'Secret' as const, name: 'vars' }];
  await h.kustomization(ns, 'app', { targetNamespace: ns, postBuild: { substituteFrom } });
  const failed = await h.ready(ns, 'app', 'False', /dry-run failed.*Invalid value: "\*{5}"/s);
  assert.ok(!JSON.stringify([failed, h.events]).includes(long));
});

test('nothing of a secret, a key or a token is in what the service logged in all of this', async () => {
  const ns = await h.namespace();
  const vault = { 'sops.vault-token': 'hvs.t0ken-of-the-tenant' };
  await keep(ns, 'keys', { ...vault, 'identity.agekey': 'AGE-SECRET-KEY-1BROKEN' });
  await h.publish(ns, { 'a.yaml': await sample('age.secret.yaml') });
  await h.kustomization(ns, 'app', { targetNamespace: ns, decryption });
  await h.ready(ns, 'app', 'False', /failed to import 'identity\.agekey'/);

  const text = lines.join('');
  const told = /"namespace":"test-1".*"namespace":"test-3"/s;
  assert.match(text, told, 'there is a log of the objects above');
  assert.match(text, /failed to import 'identity\.agekey'/, 'failures are in it');
  const [age, pgp] = await Promise.all([sample('identity.agekey'), sample('identity.asc')]);
  const secrets = [
    ...[SECRET, btoa(SECRET), 'hvs.t0ken-of-the-tenant', 'AGE-SECRET-KEY-1'],
    ...age.split('\n').filter((line) => line.startsWith('AGE-SECRET-KEY')),
    ...pgp.split('\n').filter((line) => /^[A-Za-z0-9+/]{60,}$/.test(line)),
  ];
  assert.ok(secrets.length > 6);
  for (const secret of secrets) assert.ok(!text.includes(secret), secret.slice(0, 20));
});
