// Kustomizations that wait for other Kustomizations.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { findCondition, Kustomization as KustomizationKind, READY, STALLED } from '@weir/api';
import { ConfigMap } from '@weir/kube';
import { configMap, type Harness, manifests, startHarness, until } from './testing/harness.ts';
import { eventsOf, timeoutMs } from './testing/observe.ts';

let h: Harness;
before(async () => {
  h = await startHarness({ 'requeue-dependency': '1h', 'no-cross-namespace-refs': 'true' });
});
after(() => h?.close());

test('a dependent starts when its dependency turns ready', async () => {
  const ns = await h.namespace();
  await h.publish(ns, {
    'base/a.yaml': manifests(configMap(ns, 'base')),
    'app/a.yaml': manifests(configMap(ns, 'app')),
  });
  await h.kustomization(ns, 'app', { path: './app', dependsOn: [{ name: 'base' }] });
  const waiting = await h.ready(ns, 'app', 'False', /^dependency '.*\/base' not found/);
  assert.equal(findCondition(waiting.status?.conditions, READY)?.reason, 'DependencyNotReady');
  assert.equal(await h.configMap(ns, 'app'), undefined);
  await h.kustomization(ns, 'base', { path: './base' });
  await h.ready(ns, 'app', 'True');
  const [base, app] = [await h.configMap(ns, 'base'), await h.configMap(ns, 'app')];
  assert.ok(
    Number(base?.metadata.resourceVersion) < Number(app?.metadata.resourceVersion),
    'the dependency is applied first',
  );
  const revision = await h.publish(ns, {
    'base/a.yaml': manifests(configMap(ns, 'base', { v: '2' })),
    'app/a.yaml': manifests(configMap(ns, 'app', { v: '2' })),
  });
  await h.ready(ns, 'app', 'True', new RegExp(revision));
});

test('one wait for dependencies is one event for a revision, whatever is waited for', async () => {
  const ns = await h.namespace();
  const files = (v: string) => ({
    'base/a.yaml': manifests(configMap(ns, 'base', { v })),
    'app/a.yaml': manifests(configMap(ns, 'app', { v })),
  });
  await h.publish(ns, files('1'));
  await h.kustomization(ns, 'base', { path: './base', suspend: true });
  await h.kustomization(ns, 'app', { path: './app', dependsOn: [{ name: 'base' }] });
  await h.ready(ns, 'app', 'False', /^dependency '.*\/base' is not ready$/);
  const waits = () =>
    eventsOf(h, ns).filter(({ event }) => /^Dependencies do not meet/.test(event.message));
  await until(() => waits().length === 1, { timeoutMs, message: 'the event of the wait' });

  // The dependency becomes Ready with another revision: the message changes, and the object still waits.
  const status = {
    observedGeneration: 1,
    lastAppliedRevision: 'main@sha1:other',
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        reason: 'ReconciliationSucceeded',
        message: 'Applied revision: main@sha1:other',
        lastTransitionTime: new Date().toISOString(),
      },
    ],
  };
  const how = { kind: 'merge', subresource: 'status' } as const;
  await h.client.patch(KustomizationKind, { namespace: ns, name: 'base' }, { status }, how);
  await h.ready(ns, 'app', 'False', /revision is not up to date$/);
  await h.kustomization(ns, 'base', { path: './base', suspend: false });
  await h.ready(ns, 'app', 'True');
  assert.equal(waits().length, 1);
});

test('what is of another kind is waited for, and its change goes on at once', async () => {
  const ns = await h.namespace();
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'app')) });
  const dependency = { apiVersion: 'v1', kind: 'ConfigMap', name: 'gate' };
  const readyExpr = 'dep.data.open == "yes"';
  await h.kustomization(ns, 'app', { dependsOn: [{ ...dependency, readyExpr }] });
  await h.ready(
    ns,
    'app',
    'False',
    /^dependency 'ConfigMap\/.*\/gate' not found: configmaps "gate"/,
  );
  await h.client.create(ConfigMap, configMap(ns, 'gate', { open: 'no' }));
  await h.ready(ns, 'app', 'False', /gate' is not ready according to readyExpr eval$/);
  assert.equal(await h.configMap(ns, 'app'), undefined);
  const open = { data: { open: 'yes' } };
  await h.client.patch(ConfigMap, { namespace: ns, name: 'gate' }, open, { kind: 'merge' });
  // Without an event the dependency would be checked again after an hour only.
  await h.ready(ns, 'app', 'True');
});

test('a dependency may only have to be there', async () => {
  const ns = await h.namespace();
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'app')) });
  await h.kustomization(ns, 'base', { path: './missing' });
  await h.ready(ns, 'base', 'False');
  await h.kustomization(ns, 'app', { dependsOn: [{ name: 'base', ready: false }] });
  await h.ready(ns, 'app', 'True');
});

test('an expression sees nothing of another namespace where references stay within theirs', async () => {
  const [ns, neighbour] = [await h.namespace(), await h.namespace()];
  for (const namespace of [ns, neighbour]) {
    await h.publish(namespace, { 'a.yaml': manifests(configMap(namespace, 'a')) });
  }
  const secret = 'of-the-neighbour';
  await h.kustomization(neighbour, 'db', { postBuild: { substitute: { password: secret } } });
  await h.ready(neighbour, 'db', 'True');
  const reference = { name: 'db', namespace: neighbour };

  const readyExpr = 'dep.spec.postBuild.substitute[dep.spec.postBuild.substitute.password] == ""';
  await h.kustomization(ns, 'app', { dependsOn: [{ ...reference, readyExpr }] });
  const refused = await h.ready(ns, 'app', 'False', /cross-namespace references have been blocked/);
  const ready = findCondition(refused.status?.conditions, READY);
  assert.equal(ready?.reason, 'AccessDenied');
  assert.equal(findCondition(refused.status?.conditions, STALLED)?.status, 'True');
  assert.ok(!JSON.stringify([refused, eventsOf(h, ns)]).includes(secret));
  assert.equal(await h.configMap(ns, 'a'), undefined);

  await h.kustomization(ns, 'app', { dependsOn: [reference] });
  await h.ready(ns, 'app', 'True');
});
