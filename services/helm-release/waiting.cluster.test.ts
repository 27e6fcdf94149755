// Waits for applied objects and for dependencies. They hold no worker, and what is waited for may change meanwhile.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { findCondition, READY, RECONCILING, STALLED } from '@weir/api';
import { ConfigMap, CustomResourceDefinition, type KubeObject } from '@weir/kube';
import { configMap, deployment } from './testing/charts.ts';
import { type Harness, startHarness, until } from './testing/harness.ts';

/** There is one worker, so anything that holds it keeps everything else from running. */
const FLAGS = { concurrent: '1', 'requeue-dependency': '1h' };
const timeoutMs = 60_000;

let h: Harness;
before(async () => {
  h = await startHarness(FLAGS);
});
after(() => h?.close());

/** A chart whose Deployment never gets ready where the value `replicas` is greater than 0. */
const files = { 'templates/deploy.yaml': deployment() };

test('a release that waits holds no worker, and a new spec ends its wait', async () => {
  const ns = await h.namespace();
  await h.chart(ns, { files });
  await h.release(ns, 'slow', { values: { replicas: 1 }, timeout: '10m' });
  await until(async () => (await h.versions(ns, 'slow')).length > 0, {
    ...{ timeoutMs, message: 'the release that waits to be stored' },
  });
  await h.release(ns, 'quick');
  await h.ready(ns, 'quick', 'True');
  await h.release(ns, 'slow', { values: { replicas: 0 }, timeout: '10m' });
  const ready = await h.ready(ns, 'slow', 'True', /upgrade succeeded for release .*\/slow.v2/);
  assert.equal(ready.status?.failures, undefined);
  const canceled = h.events.filter(({ event }) => event.reason === 'HealthCheckCanceled');
  assert.match(canceled[0]?.event.message ?? '', /triggered by HelmRelease\/.*\/slow$/);
});

test('a new chart ends a wait too', async () => {
  const ns = await h.namespace();
  await h.chart(ns, { files });
  await h.release(ns, 'web', { values: { replicas: 1 }, timeout: '10m' });
  await until(async () => (await h.versions(ns, 'web')).length > 0, {
    ...{ timeoutMs, message: 'the release that waits to be stored' },
  });
  await h.chart(ns, { version: '1.0.1' });
  await h.ready(ns, 'web', 'True', /app@1.0.1$/);
});

test('what fails before it is stored says when it is tried again', async () => {
  const ns = await h.namespace();
  await h.chart(ns, { files: { 'templates/bad.yaml': '{{ fail "no" }}' } });
  await h.release(ns, 'web', { install: { remediation: { retries: 3 } } });
  const failing = await until(
    async () => {
      const object = await h.read(ns, 'web');
      return (object.status?.failures ?? 0) > 1 ? object : undefined;
    },
    { timeoutMs, message: 'the second failure' },
  );
  const { conditions } = failing.status ?? {};
  assert.equal(findCondition(conditions, READY)?.reason, 'InstallFailed');
  assert.match(
    findCondition(conditions, RECONCILING)?.message ?? '',
    /^Trying again in \S+, and at once when the spec or the chart changes \(\d+ failed in a row\)$/,
  );
  // This is no failure of Helm, so nothing is stored and nothing is remediated.
  assert.deepEqual(await h.versions(ns, 'web'), []);
  assert.equal(failing.status?.installFailures, undefined);
});

test('what failed is tried again at once when the kind that it lacks or other values come', async () => {
  const ns = await h.namespace();
  const group = `${ns}.example.com`;
  const thing = `apiVersion: ${group}/v1\nkind: Thing\nmetadata: {name: it}\n`;
  const color = `{{ required "no size" .Values.size }}`;
  await h.chart(ns, {
    files: { 'templates/thing.yaml': thing, 'templates/size.yaml': configMap('size', color) },
  });
  const valuesFrom = [{ kind: 'ConfigMap', name: 'values', optional: true } as const];
  await h.release(ns, 'web', { valuesFrom });
  const failures = async () => (await h.read(ns, 'web')).status?.failures ?? 0;
  // Without an event, the next attempt would be after more than half a minute.
  await until(async () => (await failures()) > 5, { timeoutMs, message: 'the sixth failure' });
  const labels = { 'reconcile.fluxcd.io/watch': 'Enabled' };
  await h.client.create(ConfigMap, {
    ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: ns, name: 'values', labels } },
    data: { 'values.yaml': 'size: large\n' },
  });
  await h.ready(ns, 'web', 'False', /no matches for kind "Thing"/);
  await h.client.create(CustomResourceDefinition, {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `things.${group}` },
    spec: {
      group,
      names: { plural: 'things', kind: 'Thing' },
      scope: 'Namespaced',
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object' } },
        },
      ],
    },
  } as KubeObject);
  await h.ready(ns, 'web', 'True');
});

test('a dependency that belongs to no namespace is waited for', async () => {
  const ns = await h.namespace();
  await h.chart(ns);
  const dependency = { apiVersion: 'v1', kind: 'Namespace', name: `${ns}-later`, ready: false };
  await h.release(ns, 'web', { dependsOn: [dependency] });
  await h.ready(ns, 'web', 'False', new RegExp(`dependency 'Namespace/${ns}-later' not found`));
  await h.cluster.request('POST', '/api/v1/namespaces', { metadata: { name: `${ns}-later` } });
  await h.ready(ns, 'web', 'True');
});

test('a dependency of another kind is waited for, and its change goes on at once', async () => {
  const ns = await h.namespace();
  await h.chart(ns);
  await h.release(ns, 'web', {
    dependsOn: [
      { apiVersion: 'v1', kind: 'ConfigMap', name: 'gate', readyExpr: 'dep.data.open == "yes"' },
    ],
  });
  await h.ready(
    ns,
    'web',
    'False',
    /^dependency 'ConfigMap\/.*\/gate' not found: configmaps "gate" not found$/,
  );
  await gate(ns, 'no');
  await h.ready(ns, 'web', 'False', /gate' is not ready according to readyExpr eval$/);
  await gate(ns, 'yes');
  // Without an event, the next check would be after an hour, long after the deadline of this wait.
  await h.ready(ns, 'web', 'True');
});

test('a HelmRelease goes on when the one that it depends on gets ready, long before its own next look', async () => {
  const ns = await h.namespace();
  await h.chart(ns, { files });
  await h.release(ns, 'base', { values: { replicas: 1 }, timeout: '10m' });
  await h.release(ns, 'web', { interval: '1h', dependsOn: [{ name: 'base' }] });
  await h.ready(ns, 'web', 'False', /^dependency '.*\/base' is not ready/);
  await h.release(ns, 'base', { values: { replicas: 0 }, timeout: '10m' });
  await h.ready(ns, 'base', 'True');
  await h.ready(ns, 'web', 'True');
});

test('RetryOnFailure ends after its retries, until something changes', async () => {
  const ns = await h.namespace();
  const bad = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bad}\ndata: {"no key": x}\n';
  await h.chart(ns, { files: { 'templates/bad.yaml': bad } });
  const strategy = { name: 'RetryOnFailure', retryInterval: '1s' } as const;
  const limited = { strategy, remediation: { retries: 2 } };
  await h.release(ns, 'web', { install: limited, upgrade: limited });
  const stalled = await until(
    async () => {
      const object = await h.read(ns, 'web');
      return findCondition(object.status?.conditions, STALLED) && object;
    },
    { timeoutMs, message: 'the end of the retries' },
  );
  const { reason, message } = findCondition(stalled.status?.conditions, STALLED) ?? {};
  assert.equal(reason, 'RetriesExceeded');
  assert.equal(message, 'Failed to upgrade after 3 attempt(s)');
  assert.equal((await h.versions(ns, 'web')).length, 3);
  await h.chart(ns, { version: '1.0.1' });
  await h.ready(
    ns,
    'web',
    'True',
    /upgrade succeeded for release .*\/web.v4 with chart app@1.0.1$/,
  );
});

test('a dependency of another kind is ready by kstatus, or has only to be there', async () => {
  const ns = await h.namespace();
  await h.chart(ns, { files });
  await h.release(ns, 'base', { values: { replicas: 1 }, install: { disableWait: true } });
  await h.ready(ns, 'base', 'True');
  const dependency = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'base' };
  await h.release(ns, 'waits', { dependsOn: [dependency] });
  await h.release(ns, 'exists', { dependsOn: [{ ...dependency, ready: false }] });
  await h.ready(ns, 'exists', 'True');
  await h.ready(
    ns,
    'waits',
    'False',
    /^dependency 'Deployment\/.*\/base' is not ready: InProgress/,
  );
  await h.release(ns, 'base', { values: { replicas: 0 }, install: { disableWait: true } });
  await h.ready(ns, 'waits', 'True');
});

test('a dependency is read with the rights of the account', async () => {
  const ns = await h.namespace();
  await h.chart(ns);
  await h.client.create(SERVICE_ACCOUNTS, {
    ...{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace: ns, name: 'nobody' } },
  });
  await gate(ns, 'yes');
  await h.release(ns, 'web', {
    serviceAccountName: 'nobody',
    dependsOn: [
      { apiVersion: 'v1', kind: 'ConfigMap', name: 'gate', readyExpr: 'dep.data.open == "yes"' },
    ],
  });
  await h.ready(
    ns,
    'web',
    'False',
    /^unable to get dependency 'ConfigMap\/.*\/gate': .*forbidden.*nobody/,
  );
});

const SERVICE_ACCOUNTS = {
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  namespaced: true,
};

async function gate(namespace: string, open: string): Promise<void> {
  const type = { ...SERVICE_ACCOUNTS, kind: 'ConfigMap', plural: 'configmaps' };
  const body = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace, name: 'gate' },
    data: { open },
  };
  await h.client.apply(type, body, { fieldManager: 'test', force: true });
}
