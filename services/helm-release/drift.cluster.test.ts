// Drift of a release against a control plane: what is detected, what is corrected, and what that costs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '@weir/cluster';
import { ConfigMap, Deployment, type KubeObject, Secret } from '@weir/kube';
import type { StoredRelease } from './helmrelease/release/types.ts';
import { type Context, type Harness, type Subject, startHarness } from './testing/actions.ts';

let h: Harness;

before(async () => {
  h = await startHarness({ audit: true });
});
after(() => h?.close());

async function installed(subject: Subject): Promise<{ context: Context; release: StoredRelease }> {
  const context = await h.context(subject);
  const { failure, releases } = await h.actions.install(context);
  assert.equal(failure, undefined);
  const [release] = releases;
  assert.ok(release);
  return { context, release };
}

const byHand = { kind: 'merge', fieldManager: 'hand' } as const;

async function changeByHand(namespace: string): Promise<void> {
  const data = { data: { color: 'hand' } };
  await h.client.patch(ConfigMap, { namespace, name: 'web-cfg' }, data, byHand);
}

const configMap = (namespace: string) => h.get('v1', 'ConfigMap', namespace, 'web-cfg');

function managers({ metadata }: KubeObject): string[] {
  return (metadata.managedFields ?? []).map(({ manager, operation }) => `${manager} ${operation}`);
}

async function requests(namespace: string): Promise<number> {
  return (await h.cluster.audit()).filter(
    ({ objectRef, verb }) => objectRef?.namespace === namespace && verb !== 'watch',
  ).length;
}

test('a change and a deletion are found at once, counted as Flux counts them, and put back', async () => {
  const namespace = await h.namespace();
  const { context, release } = await installed({ namespace });
  const { drift } = context.cluster;
  const key = `${namespace}/web`;
  const seen: string[] = [];
  const stop = drift.onDrift(({ owner, id, what }) => {
    if (owner === key) seen.push(`${id.kind} ${what}`);
  });
  await changeByHand(namespace);
  await h.client.delete(Secret, { namespace, name: 'web-key' });
  await until(() => seen.length >= 2, { timeoutMs: 60_000, message: 'the drift to be seen' });
  assert.deepEqual(seen.sort(), ['ConfigMap changed', 'Secret gone']);
  stop();

  const report = await h.actions.detectDrift(context, release);
  assert.equal(
    report.message,
    `Secret/${namespace}/web-key removed\n` +
      `ConfigMap/${namespace}/web-cfg changed (0 additions, 1 changes, 0 removals)`,
  );
  const { changes, errors } = await h.actions.correctDrift(context, report);
  assert.deepEqual(errors, []);
  assert.deepEqual(changes, [
    `Secret/${namespace}/web-key created`,
    `ConfigMap/${namespace}/web-cfg configured`,
  ]);
  const corrected = await configMap(namespace);
  assert.deepEqual(corrected.data, { color: 'blue' });
  assert.deepEqual(managers(corrected).sort(), ['helm-controller Apply', 'helm-controller Update']);
  assert.deepEqual((await h.actions.detectDrift(context, release)).differences, []);
  await until(() => drift.allIntact(key), {
    timeoutMs: 60_000,
    message: 'everything to be intact again',
  });
});

test('what the watch knows to be intact costs no request', async () => {
  const namespace = await h.namespace();
  const { context, release } = await installed({ namespace });
  const { drift } = context.cluster;
  await until(() => drift.allIntact(`${namespace}/web`), {
    timeoutMs: 60_000,
    message: 'the watches to show everything',
  });
  const before = await requests(namespace);
  for (let times = 0; times < 3; times++) {
    assert.deepEqual((await h.actions.detectDrift(context, release)).differences, []);
  }
  // The audit log is written in order: a request that comes later marks its end.
  await configMap(namespace);
  await until(async () => (await requests(namespace)) > before, {
    timeoutMs: 60_000,
    message: 'the audit log',
  });
  assert.equal(await requests(namespace), before + 1);
});

test('a process that comes later finds what was changed meanwhile', async () => {
  const namespace = await h.namespace();
  const { release } = await installed({ namespace });
  await changeByHand(namespace);
  await h.restart();
  const context = await h.context({ namespace });
  const report = await h.actions.detectDrift(context, release);
  assert.deepEqual(
    report.differences.map(({ summary }) => summary),
    [`ConfigMap/${namespace}/web-cfg changed (0 additions, 1 changes, 0 removals)`],
  );
});

test('fields, objects and markers that are left to others are no drift', async () => {
  const namespace = await h.namespace();
  const ignore = [{ paths: ['/spec/replicas'], target: { kind: 'Dep.*', name: 'web' } }];
  const spec = { driftDetection: { mode: 'enabled' as const, ignore } };
  const { context, release } = await installed({ namespace, spec });
  await h.client.patch(Deployment, { namespace, name: 'web' }, { spec: { replicas: 2 } }, byHand);
  const marked = { metadata: { labels: { 'helm.toolkit.fluxcd.io/driftDetection': 'disabled' } } };
  await h.client.patch(ConfigMap, { namespace, name: 'web-cfg' }, marked, byHand);
  await changeByHand(namespace);
  const none = await h.actions.detectDrift(context, release);
  assert.deepEqual(none.differences, []);

  const grace = { spec: { template: { spec: { terminationGracePeriodSeconds: 9 } } } };
  await h.client.patch(Deployment, { namespace, name: 'web' }, grace, byHand);
  await until(() => !context.cluster.drift.allIntact(`${namespace}/web`), {
    timeoutMs: 60_000,
    message: 'the change to be seen',
  });
  const report = await h.actions.detectDrift(context, release);
  assert.equal(
    report.message,
    `ConfigMap/${namespace}/web-cfg excluded\n` +
      `Deployment/${namespace}/web changed (0 additions, 1 changes, 0 removals)`,
  );
  await h.actions.correctDrift(context, report);
  const { spec: corrected } = await h.get('apps/v1', 'Deployment', namespace, 'web');
  const { replicas, template } = corrected as { replicas: number; template: { spec: object } };
  assert.equal(replicas, 2);
  assert.equal('terminationGracePeriodSeconds' in template.spec, true);
});

test("what a kind's own controller writes while an object is compared is no drift", async () => {
  const namespace = await h.namespace();
  const { context, release } = await installed({ namespace });
  await h.client.patch(Deployment, { namespace, name: 'web' }, { spec: { replicas: 2 } }, byHand);
  // A rollout gets its number from the Deployment's controller, at any time: here between the reading and the dry-run.
  let writes = 0;
  const client: typeof h.client = {
    ...h.client,
    async apply(type, object, options) {
      if (options.dryRun && object.kind === 'Deployment' && writes === 0) {
        const annotations = { 'example.org/rollout': String(++writes) };
        const numbered = { metadata: { annotations } };
        await h.client.patch(Deployment, { namespace, name: 'web' }, numbered, byHand);
      }
      return h.client.apply(type, object, options);
    },
  };
  const number = { metadata: { annotations: { 'example.org/rollout': '0' } } };
  await h.client.patch(Deployment, { namespace, name: 'web' }, number, byHand);
  await until(() => !context.cluster.drift.allIntact(`${namespace}/web`), {
    timeoutMs: 60_000,
    message: 'the change to be seen',
  });
  const report = await h.actions.detectDrift(
    { ...context, cluster: { ...context.cluster, client } },
    release,
  );
  assert.equal(writes, 1);
  assert.equal(
    report.message,
    `Deployment/${namespace}/web changed (0 additions, 1 changes, 0 removals)`,
  );
});

test('a client-side release is watched and compared as well', async () => {
  const namespace = await h.namespace();
  const spec = { install: { serverSideApply: false } };
  const { context, release } = await installed({ namespace, spec });
  const { drift } = context.cluster;
  await until(() => drift.allIntact(`${namespace}/web`), {
    timeoutMs: 60_000,
    message: 'the watches to show everything',
  });
  await changeByHand(namespace);
  await until(() => !drift.allIntact(`${namespace}/web`), {
    timeoutMs: 60_000,
    message: 'the change to be seen',
  });
  const report = await h.actions.detectDrift(context, release);
  assert.equal(report.differences.length, 1);
  await h.actions.correctDrift(context, report);
  const corrected = await configMap(namespace);
  assert.deepEqual(managers(corrected), ['helm-controller Update']);
  assert.deepEqual((await h.actions.detectDrift(context, release)).differences, []);
});

test('no value of a Secret is in a report or in an error', async () => {
  const namespace = await h.namespace();
  const { context, release } = await installed({ namespace, values: { color: 'geheim-1234' } });
  const password = Buffer.from('other-secret-5678').toString('base64');
  await h.client.patch(Secret, { namespace, name: 'web-key' }, { data: { password } }, byHand);
  await until(() => !context.cluster.drift.allIntact(`${namespace}/web`), {
    timeoutMs: 60_000,
    message: 'the change to be seen',
  });
  const report = await h.actions.detectDrift(context, release);
  const texts = [report.message, ...report.differences.map(({ summary }) => summary)].join('\n');
  assert.match(texts, /web-key changed/);
  assert.doesNotMatch(texts, /geheim|5678/);
});
