// CEL in a Kustomization: the health of kinds without standard conditions, and the readiness of dependencies.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  findCondition,
  HEALTHY,
  type Kustomization,
  Kustomization as KustomizationKind,
  READY,
  STALLED,
} from '@weir/api';
import type { KubeObject } from '@weir/kube';
import { configMap, type Harness, manifests, startHarness, until } from './testing/harness.ts';

const GROUP = 'example.com';
const LONG = { timeoutMs: 20_000 };

let h: Harness;
before(async () => {
  h = await startHarness({ 'requeue-dependency': '1h' });
  await h.cluster.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', CRD);
});
after(() => h?.close());

const CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `widgets.${GROUP}` },
  spec: {
    group: GROUP,
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        },
      },
    ],
  },
};

function widget(namespace: string, name: string, phase?: string): KubeObject {
  return {
    apiVersion: `${GROUP}/v1`,
    kind: 'Widget',
    metadata: { name, namespace },
    ...(phase === undefined ? {} : { phase }),
  };
}

/** Writes the status that the controller of widgets would write. */
async function report(namespace: string, name: string, phase: string): Promise<void> {
  const type = await h.client.discovery.resourceForKind(`${GROUP}/v1`, 'Widget');
  await h.client.apply(type, widget(namespace, name, phase), { fieldManager: 'widgets' });
}

const EXPRS = [
  {
    apiVersion: `${GROUP}/v1alpha1`,
    kind: 'Widget',
    inProgress: "phase == 'Turning'",
    failed: "phase == 'Broken'",
    current: "phase == 'Done'",
  },
];

const message = (object: Kustomization, type: string) =>
  findCondition(object.status?.conditions, type)?.message ?? '';

test('health by expressions decides a wait', async () => {
  const ns = await h.namespace();
  const revision = await h.publish(ns, {
    'a.yaml': manifests(widget(ns, 'a'), configMap(ns, 'other')),
  });
  await h.kustomization(ns, 'app', { wait: true, healthCheckExprs: EXPRS, timeout: '1m' });
  await h.ready(ns, 'app', 'Unknown');
  await report(ns, 'a', 'Turning');
  await report(ns, 'a', 'Done');
  const ready = await h.ready(ns, 'app', 'True', new RegExp(revision));
  assert.match(message(ready, HEALTHY), /^Health check passed in /);

  await h.publish(ns, { 'a.yaml': manifests(widget(ns, 'b')) });
  await h.ready(ns, 'app', 'Unknown');
  await report(ns, 'b', 'Broken');
  const failed = await h.ready(ns, 'app', 'False');
  assert.equal(
    message(failed, READY).replace(/after .*?:/, 'after T:'),
    `health check failed after T: failed early due to stalled resources: [Widget/${ns}/b status: 'Failed']`,
  );
});

test('health by expressions of a named object', async () => {
  const ns = await h.namespace();
  const revision = await h.publish(ns, { 'a.yaml': manifests(widget(ns, 'a'), widget(ns, 'b')) });
  const healthChecks = [{ apiVersion: `${GROUP}/v1`, kind: 'Widget', name: 'a', namespace: ns }];
  await h.kustomization(ns, 'app', { healthChecks, healthCheckExprs: EXPRS });
  await h.ready(ns, 'app', 'Unknown');
  await report(ns, 'a', 'Done');
  await h.ready(ns, 'app', 'True', new RegExp(revision));
});

test('an expression that does not compile stalls, and is told before anything is applied', async () => {
  const ns = await h.namespace();
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a')) });
  const broken = [{ apiVersion: `${GROUP}/v1`, kind: 'Widget', current: 'status.' }];
  await h.kustomization(ns, 'app', { healthCheckExprs: broken });
  const stalled = await h.ready(ns, 'app', 'False');
  const condition = findCondition(stalled.status?.conditions, READY);
  assert.equal(condition?.reason, 'InvalidCELExpression');
  assert.match(
    condition?.message ?? '',
    /^Reconciliation failed terminally due to configuration error: failed to create custom status evaluator for healthchecks\[0\]: failed to parse the expression Current: failed to parse the CEL expression 'status\.': ERROR: <input>:1:8: Syntax error: /,
  );
  assert.equal(findCondition(stalled.status?.conditions, STALLED)?.message, condition?.message);
  assert.equal(stalled.status?.observedGeneration, stalled.metadata.generation);
  assert.equal(await h.configMap(ns, 'a'), undefined);

  await h.kustomization(ns, 'app', { healthCheckExprs: EXPRS });
  await h.ready(ns, 'app', 'True');
});

test('a dependency is ready when its expression says so', async () => {
  const ns = await h.namespace();
  await h.publish(ns, { 'deploy/a.yaml': manifests(configMap(ns, 'a')) });
  await h.kustomization(ns, 'base', { suspend: true });
  await h.kustomization(ns, 'app', {
    dependsOn: [
      {
        name: 'base',
        readyExpr:
          "has(dep.metadata.labels) && dep.metadata.labels['v'] == self.spec.path && self.spec.interval == '1h0m0s'",
      },
    ],
    path: 'deploy',
  });
  const waiting = await h.ready(ns, 'app', 'False');
  assert.equal(findCondition(waiting.status?.conditions, READY)?.reason, 'DependencyNotReady');
  assert.equal(
    message(waiting, READY),
    `dependency '${ns}/base' is not ready according to readyExpr eval`,
  );
  const labels = { metadata: { labels: { x: 'y' } } };
  const ref = { namespace: ns, name: 'base' };
  await h.client.patch(KustomizationKind, ref, labels, { kind: 'merge' });
  await h.ready(ns, 'app', 'False', /^failed to evaluate the CEL expression '.*': no such key: v$/);
  const right = { metadata: { labels: { v: 'deploy' } } };
  await h.client.patch(KustomizationKind, ref, right, { kind: 'merge' });
  // The change makes it run: the requeue is an hour away.
  await h.ready(ns, 'app', 'True');
});

test('a dependency expression that does not compile stalls', async () => {
  const ns = await h.namespace();
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a')) });
  await h.kustomization(ns, 'base');
  await h.kustomization(ns, 'app', { dependsOn: [{ name: 'base', readyExpr: '1 + 1' }] });
  const stalled = await h.ready(ns, 'app', 'False');
  assert.equal(
    message(stalled, STALLED),
    'Reconciliation failed terminally due to configuration error: terminal error: failed to evaluate dependency base: CEL expression output type mismatch: expected bool, got int',
  );
  const told = await until(
    () =>
      h.events.find(
        ({ event }) =>
          event.involvedObject.namespace === ns && event.reason === 'InvalidCELExpression',
      ),
    { ...LONG, message: 'the event' },
  );
  assert.equal(told.event.severity, 'error');
});
