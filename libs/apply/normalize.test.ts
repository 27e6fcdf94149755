import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalize } from './normalize.ts';

test('what only the API server writes is left out, on a copy', () => {
  const object = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'c', uid: 'u', resourceVersion: '1', creationTimestamp: 'x' },
    status: {},
  };
  assert.deepEqual(normalize(object), {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'c' },
  });
  assert.equal(object.metadata.uid, 'u');
});

test("a secret's plain values are encoded and win", () => {
  const secret = normalize({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's' },
    data: { a: 'eA==', b: 'eQ==' },
    stringData: { a: 'new' },
  });
  assert.deepEqual(secret.data, { a: 'bmV3', b: 'eQ==' });
  assert.equal('stringData' in secret, false);
});

test('ports get the protocol that their list key needs', () => {
  const service = normalize({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 's' },
    spec: { ports: [{ port: 53, protocol: 'UDP' }, { port: 80 }] },
  });
  assert.deepEqual((service.spec as { ports: unknown }).ports, [
    { port: 53, protocol: 'UDP' },
    { port: 80, protocol: 'TCP' },
  ]);
  const template = { spec: { containers: [{ name: 'c', ports: [{ containerPort: 80 }] }] } };
  const cron = normalize({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'j' },
    spec: { jobTemplate: { spec: { template } } },
  });
  assert.match(JSON.stringify(cron), /"containerPort":80,"protocol":"TCP"/);
});

test('a CRD keeps its status and loses a CA bundle that is no certificate', () => {
  const crd = normalize({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'x' },
    spec: { conversion: { webhook: { clientConfig: { caBundle: 'Cg==', url: 'https://x' } } } },
    status: { conditions: [] },
  });
  assert.deepEqual(crd.spec, { conversion: { webhook: { clientConfig: { url: 'https://x' } } } });
  assert.deepEqual(crd.status, { conditions: [] });
});
