import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KubeObject, ManagedFields } from '@weir/kube';
import {
  managersOf,
  normalizeConditions,
  normalizeObject,
  normalizeText,
  normalizeValue,
} from './normalize.ts';

describe('normalizeText', () => {
  it('takes out how long something took, and no limit or plan', () => {
    assert.equal(
      normalizeText('Reconciliation finished in 1.234567ms, next run in 1h0m0s'),
      'Reconciliation finished in <duration>, next run in 1h0m0s',
    );
    assert.equal(normalizeText('Health check passed in 12µs'), 'Health check passed in <duration>');
    assert.equal(
      normalizeText("health check failed after 1m2.5s: timeout waiting for: [Job/a status: 'x']"),
      "health check failed after <duration>: timeout waiting for: [Job/a status: 'x']",
    );
    assert.equal(normalizeText('with a timeout of 5m0s'), 'with a timeout of 5m0s');
  });

  it('takes out ports, UIDs and times', () => {
    const uid = '1b4e28ba-2fa1-11d2-883f-0016d3cca427';
    assert.equal(normalizeText(`uid ${uid}`), 'uid <uid>');
    assert.equal(
      normalizeText('dial tcp 127.0.0.1:4711: refused'),
      'dial tcp 127.0.0.1:<port>: refused',
    );
    assert.equal(normalizeText('at 2026-01-02T03:04:05Z'), 'at <time>');
  });

  it('names files from the root of the artifact', () => {
    assert.equal(normalizeText('stat /tmp/kustomization-42/deploy: no'), 'stat deploy: no');
    assert.equal(normalizeText("below '/tmp/kustomization-42'"), "below ''");
  });

  it('leaves revisions and names alone', () => {
    const text = 'Applied revision: main@sha1:15d4166865bf8f8bd35505bcd111fb2789932369';
    assert.equal(normalizeText(text), text);
  });
});

it('orders keys and looks into lists', () => {
  const value = normalizeValue({ b: [{ at: '2026-01-02T03:04:05Z' }], a: undefined });
  assert.equal(JSON.stringify(value), '{"b":[{"at":"<time>"}]}');
  assert.equal(JSON.stringify(normalizeValue({ b: 1, a: 2 })), '{"a":2,"b":1}');
});

describe('normalizeObject', () => {
  const object: KubeObject = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'a',
      uid: 'one',
      resourceVersion: '7',
      labels: { app: 'a' },
      annotations: { 'deployment.kubernetes.io/revision': '1' },
      managedFields: [
        { manager: 'kustomize-controller', operation: 'Apply' },
        { manager: 'kube-controller-manager', operation: 'Update', subresource: 'status' },
        { manager: 'kubectl-edit', operation: 'Update' },
      ],
    },
    spec: { clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'], ports: [{ port: 80 }] },
    status: { loadBalancer: {} },
  };

  it('keeps what was applied, and by whom', () => {
    assert.deepEqual(normalizeObject(object), {
      apiVersion: 'v1',
      labels: { app: 'a' },
      managers: ['kubectl-edit Update', 'kustomize-controller Apply'],
      spec: { ports: [{ port: 80 }] },
    });
  });

  it('shows a deletion that waits, and its finalizers', () => {
    const metadata = { name: 'a', deletionTimestamp: '2026-01-02T03:04:05Z', finalizers: ['x/y'] };
    const { terminating, finalizers } = normalizeObject({ apiVersion: 'v1', kind: 'A', metadata });
    assert.deepEqual({ terminating, finalizers }, { terminating: true, finalizers: ['x/y'] });
  });

  it('lists managers by name, operation and subresource', () => {
    const managedFields: ManagedFields[] = [
      { manager: 'b', operation: 'Update', subresource: 'status' },
      { manager: 'b', operation: 'Update', subresource: 'status' },
      { manager: 'a', operation: 'Apply' },
    ];
    const metadata = { name: 'x', managedFields };
    assert.deepEqual(managersOf({ apiVersion: 'v1', kind: 'A', metadata }), [
      'a Apply',
      'b Update status',
    ]);
  });
});

it('keeps conditions by type, without their times', () => {
  const condition = {
    type: 'Ready',
    status: 'True',
    reason: 'Succeeded',
    message: 'Health check passed in 2s',
    observedGeneration: 3,
    lastTransitionTime: '2026-01-02T03:04:05Z',
  };
  assert.deepEqual(normalizeConditions([condition]), {
    Ready: {
      status: 'True',
      reason: 'Succeeded',
      message: 'Health check passed in <duration>',
      observedGeneration: 3,
    },
  });
});
