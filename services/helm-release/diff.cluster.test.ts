// What `npm run services -- diff helmrelease` prints about a pending upgrade, and that it changes nothing.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type ArtifactServer, serveArtifacts } from '@weir/artifact';
import { ConfigMap, Secret, ServiceAccount } from '@weir/kube';
import { createSettings } from '@weir/service';
import { createLogger } from '@weir/telemetry';
import { diffs } from './diffs.ts';
import { configMap } from './testing/charts.ts';
import { type Harness, type PublishOptions, startHarness } from './testing/harness.ts';

let h: Harness;
let artifacts: ArtifactServer;
let dir: string;
before(async () => {
  h = await startHarness();
  artifacts = await serveArtifacts(h.store, { port: 0, host: '127.0.0.1' });
  dir = await mkdtemp(join(tmpdir(), 'weir-helm-diff-'));
});
after(async () => {
  await artifacts?.close();
  await h?.close();
  if (dir !== undefined) await rm(dir, { recursive: true, force: true });
});

async function described(namespace: string, name = 'web'): Promise<string> {
  const log = createLogger({ service: 'test', level: 'error' });
  const settings = createSettings({ 'allow-local-addresses': 'true' });
  const { signal } = new AbortController();
  const context = { client: h.client, settings, log, storageDir: dir, signal };
  return (await diffs.helmrelease?.({ namespace, name }, context)) ?? '';
}

/** The command fetches the chart from the URL in the source's status. */
function publish(namespace: string, options: PublishOptions = {}): Promise<void> {
  return h.chart(namespace, { ...options, server: artifacts.url });
}

const PASSWORD = 'geheim-1234';

const FILES = {
  'values.yaml': 'color: blue\nreplicas: 1\n',
  'templates/secret.yaml':
    'apiVersion: v1\nkind: Secret\nmetadata: {name: key}\nstringData: {password: {{ .Values.password }}}\n',
  'templates/url.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: url}\ndata: {url: "db://{{ .Values.password }}@x"}\n',
};

async function keepValues(namespace: string, password: string): Promise<void> {
  const how = { fieldManager: 'test', force: true };
  const values = { apiVersion: 'v1', metadata: { namespace, name: 'values' } };
  const secret = { ...values, kind: 'Secret', stringData: { password } };
  await h.client.apply(Secret, secret, how);
  const config = { ...values, kind: 'ConfigMap', data: { 'values.yaml': 'replicas: 3\n' } };
  await h.client.apply(ConfigMap, config, how);
}

const VALUES_FROM = [
  { kind: 'ConfigMap', name: 'values' },
  { kind: 'Secret', name: 'values', valuesKey: 'password', targetPath: 'password' },
] as const;

test('a pending upgrade is described, with what set each value and without any secret', async () => {
  const ns = await h.namespace();
  await keepValues(ns, PASSWORD);
  await publish(ns, { files: { ...FILES, 'templates/old.yaml': configMap('old', 'x') } });
  const valuesFrom = [...VALUES_FROM];
  await h.release(ns, 'web', { valuesFrom, values: { color: 'red' } });
  await h.ready(ns, 'web', 'True');
  assert.match(
    await described(ns),
    /release .*\/web is as the spec says, version 1 with chart app 1\.0\.0\n[\s\S]*0 created, 0 changed, 0 deleted, 4 the same\n$/,
  );

  // The service must not make the upgrade that is to be described.
  await h.stop();
  const stored = await h.versions(ns, 'web');
  await keepValues(ns, 'other-5678');
  await publish(ns, {
    version: '1.1.0',
    files: { ...FILES, 'templates/new.yaml': configMap('new', 'x') },
  });
  await h.release(ns, 'web', { valuesFrom, values: { color: 'green' } });
  const text = await described(ns);
  assert.match(
    text,
    /would upgrade release .*\/web from version 1 to 2, chart app 1\.0\.0 -> app 1\.1\.0 \(OutOfSync, release chart changed\)/,
  );
  assert.match(text, /\n {2}color: "green" {2}# spec\.values\n/);
  assert.match(text, /\n {2}password: \*\*\* {2}# Secret\/values password at password\n/);
  assert.match(text, /\n {2}replicas: 3 {2}# ConfigMap\/values values\.yaml\n/);
  assert.match(
    text,
    /ConfigMap\/web-cfg changed\n[\s\S]*- {3}color: red\n {2}\+ {3}color: green\n/,
  );
  assert.match(text, /ConfigMap\/web-new created\n/);
  assert.match(text, /ConfigMap\/web-old deleted\n/);
  assert.match(text, /Secret\/key changed\n[\s\S]*password: "\*\*\* \(before\)"/);
  assert.match(text, /1 created, 3 changed, 1 deleted, 0 the same\n$/);
  assert.doesNotMatch(text, /geheim|5678/);
  assert.doesNotMatch(text, new RegExp(Buffer.from(PASSWORD).toString('base64')));
  assert.deepEqual(await h.versions(ns, 'web'), stored);
  assert.equal((await h.configMap(ns, 'web-cfg'))?.data?.color, 'red');
  await h.start();
});

test('what would fail is said, as the account that the HelmRelease acts as', async () => {
  const ns = await h.namespace();
  await publish(ns, { files: { 'templates/bad.yaml': '{{ fail "no such luck" }}' } });
  await h.release(ns, 'web');
  await h.ready(ns, 'web', 'False');
  await assert.rejects(described(ns), /app\/templates\/bad\.yaml:1:3.*no such luck/s);

  await h.client.create(ServiceAccount, {
    ...{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace: ns, name: 'nobody' } },
  });
  await h.release(ns, 'other', { serviceAccountName: 'nobody' });
  await assert.rejects(
    described(ns, 'other'),
    /forbidden.*nobody.*cannot list resource "secrets"/s,
  );
});

test('a first install is described too', async () => {
  const ns = await h.namespace();
  await publish(ns);
  await h.release(ns, 'web', { suspend: true });
  assert.match(
    await described(ns),
    /would install release .*\/web with chart app 1\.0\.0 \(Absent, no release in storage for object\)[\s\S]*ConfigMap\/web-cfg created\n/,
  );
});
