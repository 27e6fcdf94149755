// A release is kept as it was applied: drift is corrected or reported, a suspended release is left alone, and a deleted
// one is uninstalled.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  DRIFTED,
  findCondition,
  type HelmChart,
  HelmChart as HelmChartKind,
  HelmRelease as HelmReleaseKind,
} from '@weir/api';
import { ConfigMap } from '@weir/kube';
import { deployment } from './testing/charts.ts';
import { type Harness, startHarness, until } from './testing/harness.ts';

const timeoutMs = 60_000;
const DEPLOYMENTS = {
  ...{ group: 'apps', version: 'v1', kind: 'Deployment', plural: 'deployments', namespaced: true },
};

let h: Harness;
before(async () => {
  h = await startHarness();
});
after(() => h?.close());

test('a change by hand is put back, and a deleted object is made again', async () => {
  const ns = await h.namespace();
  await h.chart(ns);
  await h.release(ns, 'web', { driftDetection: { mode: 'enabled' } });
  const { status } = await h.ready(ns, 'web', 'True');
  const ref = { namespace: ns, name: 'web-cfg' };
  await h.client.patch(ConfigMap, ref, { data: { color: 'hand' } }, { kind: 'merge' });
  await colorIs(ns, 'blue');
  await h.client.delete(ConfigMap, ref);
  await colorIs(ns, 'blue');
  const corrected = () => h.events.filter(({ event }) => event.reason === 'DriftCorrected');
  await until(() => corrected().length >= 2, {
    timeoutMs,
    message: 'the events of both corrections',
  });
  const after = await h.ready(ns, 'web', 'True');
  // No release was made for it.
  assert.equal(after.status?.history?.[0]?.version, status?.history?.[0]?.version);
});

test('with the mode warn a change is said and stays', async () => {
  const ns = await h.namespace();
  await h.chart(ns);
  await h.release(ns, 'web', { driftDetection: { mode: 'warn' } });
  await h.ready(ns, 'web', 'True');
  const ref = { namespace: ns, name: 'web-cfg' };
  await h.client.patch(ConfigMap, ref, { data: { color: 'hand' } }, { kind: 'merge' });
  const drifted = await untilDrifted(ns, 'True');
  assert.match(drifted, /has drifted from the desired state:\nConfigMap\/.*\/web-cfg changed/);
  assert.equal((await h.configMap(ns, 'web-cfg'))?.data?.color, 'hand');
});

test('without drift detection a workload that somebody deletes is said, until it is back', async () => {
  const ns = await h.namespace();
  await h.chart(ns, { files: { 'templates/deploy.yaml': deployment() } });
  await h.release(ns, 'web');
  await h.ready(ns, 'web', 'True');
  await h.client.delete(ConfigMap, { namespace: ns, name: 'web-cfg' });
  await h.client.delete(DEPLOYMENTS, { namespace: ns, name: 'web' });
  const message = await untilDrifted(ns, 'True');
  assert.match(message, /web.v1 misses what somebody deleted: Deployment\/.*\/web\. /);
  const { status } = await h.ready(ns, 'web', 'True');
  assert.equal(status?.history?.[0]?.version, 1);
  await h.release(ns, 'web', { values: { color: 'red' } });
  await h.ready(ns, 'web', 'True', /web.v2/);
  const object = await h.read(ns, 'web');
  assert.equal(findCondition(object.status?.conditions, DRIFTED), undefined);
});

test('a suspended release stays as it is when it is deleted', async () => {
  const ns = await h.namespace();
  await h.chart(ns);
  await h.release(ns, 'web');
  await h.ready(ns, 'web', 'True');
  await h.release(ns, 'web', { suspend: true });
  await remove(ns, 'web');
  assert.ok(await h.configMap(ns, 'web-cfg'));
  assert.deepEqual(await h.versions(ns, 'web'), ['sh.helm.release.v1.web.v1']);
});

test('a deleted release is uninstalled, and the chart object that was made for it goes', async () => {
  const ns = await h.namespace();
  const chart = {
    spec: { chart: 'app', sourceRef: { kind: 'HelmRepository', name: 'charts' } },
  } as const;
  await h.release(ns, 'web', { chart });
  await h.ready(ns, 'web', 'False', /is not ready/);
  await h.chart(ns, { source: `${ns}-web` });
  await h.ready(ns, 'web', 'True');
  await remove(ns, 'web');
  assert.equal(await h.configMap(ns, 'web-cfg'), undefined);
  assert.deepEqual(await h.versions(ns, 'web'), []);
  const made = await h.find('source.toolkit.fluxcd.io/v1', 'HelmChart', {
    ...{ namespace: ns, name: `${ns}-web` },
  });
  assert.equal(made, undefined);
});

test('two HelmReleases whose chart objects would have one name do not take turns', async () => {
  const [shared, first] = [await h.namespace(), await h.namespace()];
  const second = `${first}-b`;
  await h.client.create(NAMESPACES, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: second },
  });
  const sourceRef = { kind: 'HelmRepository', name: 'charts', namespace: shared } as const;
  await h.release(first, 'b-web', { chart: { spec: { chart: 'app', sourceRef } } });
  await h.ready(first, 'b-web', 'False', /is not ready/);
  await h.release(second, 'web', { chart: { spec: { chart: 'other', sourceRef } } });
  const refused = await h.ready(
    second,
    'web',
    'False',
    /is made for HelmRelease .*\/b-web: give one/,
  );
  assert.equal(findCondition(refused.status?.conditions, 'Stalled')?.reason, 'AccessDenied');
  const made = await h.client.get<HelmChart>(HelmChartKind, {
    ...{ namespace: shared, name: `${first}-b-web` },
  });
  assert.equal(made.spec.chart, 'app');
});

test('a release that moves leaves its objects behind as in Flux, unless an annotation says otherwise', async () => {
  const ns = await h.namespace();
  await h.chart(ns);
  const targets = [await h.namespace(), await h.namespace()];
  await h.release(ns, 'web');
  await h.ready(ns, 'web', 'True', /\/web\.v1/);
  for (const [index, targetNamespace] of targets.entries()) {
    const annotations = { 'helm.toolkit.fluxcd.io/cleanUpAfterMove': index > 0 ? 'enabled' : null };
    const body = { metadata: { annotations }, spec: { targetNamespace, releaseName: 'web' } };
    await h.client.patch(HelmReleaseKind, { namespace: ns, name: 'web' }, body, { kind: 'merge' });
    const moved = new RegExp(`install succeeded for release ${targetNamespace}/web\\.v1`);
    await h.ready(ns, 'web', 'True', moved);
    assert.ok(await h.configMap(targetNamespace, 'web-cfg'));
  }
  const [first = ''] = targets;
  assert.ok(await h.configMap(ns, 'web-cfg'), 'the first move leaves it');
  assert.equal(await h.configMap(first, 'web-cfg'), undefined, 'the second one does not');
});

const NAMESPACES = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};

function colorIs(namespace: string, color: string) {
  return until(async () => (await h.configMap(namespace, 'web-cfg'))?.data?.color === color, {
    ...{ timeoutMs, message: `the ConfigMap to be ${color}` },
  });
}

function untilDrifted(namespace: string, status: string): Promise<string> {
  return until(
    async () => {
      const object = await h.read(namespace, 'web');
      const drifted = findCondition(object.status?.conditions, DRIFTED);
      return drifted?.status === status ? drifted.message : undefined;
    },
    { timeoutMs, message: `Drifted to be ${status}` },
  );
}

async function remove(namespace: string, name: string): Promise<void> {
  await h.client.delete(HelmReleaseKind, { namespace, name });
  const apiVersion = HelmReleaseKind.apiVersion;
  await until(
    async () => (await h.find(apiVersion, 'HelmRelease', { namespace, name })) === undefined,
    {
      ...{ timeoutMs, message: 'the HelmRelease to be gone' },
    },
  );
}
