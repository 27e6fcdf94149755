// HelmReleases whose charts are released to another cluster, which is a second API server.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { HelmRelease } from '@weir/api';
import { serveArtifacts } from '@weir/artifact';
import {
  applyKubeconfig,
  namespaceInBoth,
  REMOTE,
  type RemoteCluster,
  startRemoteCluster,
} from '@weir/kit';
import { Secret } from '@weir/kube';
import { createSettings } from '@weir/service';
import { createLogger } from '@weir/telemetry';
import { diffs } from './diffs.ts';
import { configMap } from './testing/charts.ts';
import { type Harness, startHarness, until } from './testing/harness.ts';

let h: Harness;
let remote: RemoteCluster;
before(async () => {
  [h, remote] = await Promise.all([
    startHarness({ 'allow-local-addresses': 'true' }),
    startRemoteCluster(),
  ]);
});
after(async () => {
  await h?.close();
  await remote?.close();
});

const LONG = { timeoutMs: 60_000 };
const MERGE = { contentType: 'application/merge-patch+json' };

const namespace = () => namespaceInBoth(h, remote);

async function data(ns: string, name: string): Promise<unknown> {
  return (await remote.find('v1', 'ConfigMap', { namespace: ns, name }))?.data;
}

async function versions(ns: string): Promise<string[]> {
  const selection = { namespace: ns, labelSelector: 'owner=helm', metadataOnly: true };
  const { items } = await remote.client.list(Secret, selection);
  return items.map(({ metadata }) => metadata.name).sort();
}

async function deleted(ns: string): Promise<void> {
  const path = `/apis/helm.toolkit.fluxcd.io/v2/namespaces/${ns}/helmreleases/web`;
  await h.cluster.request('DELETE', path);
  const ref = { namespace: ns, name: 'web' };
  await until(
    async () => (await h.find(HelmRelease.apiVersion, 'HelmRelease', ref)) === undefined,
    { ...LONG, message: 'the HelmRelease to be gone' },
  );
}

test('storage, objects, look-ups and hooks are there, and nothing is here', async () => {
  const ns = await namespace();
  const path = `/api/v1/namespaces/${ns}/configmaps`;
  await remote.cluster.request('POST', path, { metadata: { name: 'there' }, data: { k: 'v' } });
  const hook = `apiVersion: v1
kind: ConfigMap
metadata: {name: hook, annotations: {helm.sh/hook: pre-install}}
`;
  const seen = `apiVersion: v1
kind: ConfigMap
metadata: {name: seen}
data: {k: {{ (lookup "v1" "ConfigMap" .Release.Namespace "there").data.k }}}
`;
  await h.chart(ns, { files: { 'templates/hook.yaml': hook, 'templates/seen.yaml': seen } });
  await h.release(ns, 'web', { ...REMOTE, values: { color: 'red' } });
  const { status } = await h.ready(ns, 'web', 'True', /install succeeded/);
  assert.ok(isDeepStrictEqual(await data(ns, 'seen'), { k: 'v' }));
  assert.ok(await remote.find('v1', 'ConfigMap', { namespace: ns, name: 'hook' }));
  assert.equal(status?.inventory?.entries.length, 2);
  const kubeSystem = await remote.find('v1', 'Namespace', { name: 'kube-system' });
  assert.equal(status?.clusterID, kubeSystem?.metadata.uid);
  assert.deepEqual(await versions(ns), ['sh.helm.release.v1.web.v1']);
  assert.deepEqual(await h.versions(ns, 'web'), []);
  assert.equal(await h.configMap(ns, 'web-cfg'), undefined);

  await h.chart(ns, { version: '1.1.0', files: { 'templates/more.yaml': configMap('more', 'x') } });
  await h.ready(ns, 'web', 'True', /upgrade succeeded .*web.v2/);
  assert.ok(await data(ns, 'web-more'));
  assert.equal(await data(ns, 'seen'), undefined);

  await deleted(ns);
  assert.deepEqual(await versions(ns), []);
  assert.equal(await data(ns, 'web-cfg'), undefined);
});

test('what somebody changes there is put back', async () => {
  const ns = await namespace();
  await h.chart(ns);
  await h.release(ns, 'web', { ...REMOTE, driftDetection: { mode: 'enabled' } });
  await h.ready(ns, 'web', 'True');
  const before = await data(ns, 'web-cfg');
  const path = `/api/v1/namespaces/${ns}/configmaps/web-cfg`;
  await remote.cluster.request('PATCH', path, { data: { color: 'other' } }, MERGE);
  await until(async () => isDeepStrictEqual(await data(ns, 'web-cfg'), before), {
    ...LONG,
    message: 'the change to be undone',
  });
});

test('a Secret that leads to another cluster uninstalls nothing there, and the release begins anew', async () => {
  const ns = await namespace();
  await h.chart(ns);
  await h.release(ns, 'web', REMOTE);
  const { status: before } = await h.ready(ns, 'web', 'True');
  const own = await readFile(h.cluster.kubeconfig, 'utf8');
  await applyKubeconfig(h.client, { namespace: ns, name: 'remote' }, own);
  const hasMoved = async () => {
    const { status } = await h.read(ns, 'web');
    return status?.clusterID !== before?.clusterID && status?.history?.length === 1;
  };
  await until(hasMoved, { ...LONG, message: 'the release in the other cluster' });
  await h.ready(ns, 'web', 'True', /install succeeded .*web.v1/);
  assert.ok(await h.configMap(ns, 'web-cfg'));
  assert.deepEqual(await versions(ns), ['sh.helm.release.v1.web.v1'], 'the former one stays');
  const said = h.events.find(
    ({ event }) =>
      event.involvedObject.namespace === ns && /leads to another cluster/.test(event.message),
  );
  assert.match(said?.event.message ?? '', /In the former cluster stays .*\/web\.v1/);
});

test('it goes without its release where the Secret is gone, as in Flux', async () => {
  const ns = await namespace();
  await h.chart(ns);
  await h.release(ns, 'web', REMOTE);
  await h.ready(ns, 'web', 'True');
  await h.cluster.request('DELETE', `/api/v1/namespaces/${ns}/secrets/remote`);
  await deleted(ns);
  assert.deepEqual(await versions(ns), ['sh.helm.release.v1.web.v1']);
});

test('a release here of the same name stays when one that was elsewhere goes without its Secret', async () => {
  const ns = await namespace();
  await h.chart(ns);
  await h.release(ns, 'web', REMOTE);
  await h.ready(ns, 'web', 'True');
  await h.release(ns, 'here', { releaseName: 'web' });
  await h.ready(ns, 'here', 'True');
  await h.cluster.request('DELETE', `/api/v1/namespaces/${ns}/secrets/remote`);
  await deleted(ns);
  assert.deepEqual(await h.versions(ns, 'web'), ['sh.helm.release.v1.web.v1']);
  assert.ok(await h.configMap(ns, 'web-cfg'), 'it was not uninstalled');
});

test('a Secret that is missing or lacks the key is named', async () => {
  const ns = await h.namespace();
  await h.chart(ns);
  await h.release(ns, 'web', REMOTE);
  const { status } = await h.ready(
    ns,
    'web',
    'False',
    /^could not get KubeConfig secret '.*\/remote'/,
  );
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  assert.equal(ready?.reason, 'RESTClientError');
  await applyKubeconfig(h.client, { namespace: ns, name: 'remote' }, 'x', 'other');
  await h.ready(ns, 'web', 'False', /does not contain a 'value' or 'value.yaml' key with data$/);
});

test('what an upgrade there would change is described, from what is stored there', async () => {
  const ns = await namespace();
  const artifacts = await serveArtifacts(h.store, { port: 0, host: '127.0.0.1' });
  const storageDir = await mkdtemp(join(tmpdir(), 'weir-helm-diff-'));
  try {
    await h.chart(ns, { server: artifacts.url });
    await h.release(ns, 'web', { ...REMOTE, values: { color: 'red' } });
    await h.ready(ns, 'web', 'True');
    // The service must not make the upgrade that is to be described.
    await h.stop();
    await h.chart(ns, { version: '1.1.0', server: artifacts.url });
    await h.release(ns, 'web', { ...REMOTE, values: { color: 'green' } });
    const context = {
      client: h.client,
      settings: createSettings({ 'allow-local-addresses': 'true' }),
      log: createLogger({ service: 'test', level: 'error' }),
      storageDir,
      signal: new AbortController().signal,
    };
    const described = () => diffs.helmrelease?.({ namespace: ns, name: 'web' }, context);
    const text = await described();
    assert.match(text ?? '', /would upgrade release .*\/web from version 1 to 2/);
    assert.match(
      text ?? '',
      /ConfigMap\/web-cfg changed\n[\s\S]*- {3}color: red\n {2}\+ {3}color: green\n/,
    );
    assert.deepEqual(await versions(ns), ['sh.helm.release.v1.web.v1']);

    const own = await readFile(h.cluster.kubeconfig, 'utf8');
    await applyKubeconfig(h.client, { namespace: ns, name: 'remote' }, own);
    const moved = await described();
    assert.match(moved ?? '', /would install release/);
    assert.match(
      moved ?? '',
      /leads to another cluster than before: the release begins anew there/,
    );

    await h.cluster.request('DELETE', `/api/v1/namespaces/${ns}/secrets/remote`);
    await assert.rejects(
      async () => described(),
      /^Failure: could not get KubeConfig secret '.*\/remote'/,
    );
  } finally {
    await artifacts.close();
    await rm(storageDir, { recursive: true, force: true });
    await h.start();
  }
});
