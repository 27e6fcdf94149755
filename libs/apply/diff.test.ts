import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differs, wouldCreate } from './diff.ts';

const live = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: 'web',
    namespace: 'a',
    resourceVersion: '7',
    uid: 'u',
    generation: 2,
    labels: { app: 'web' },
    managedFields: [{ manager: 'm' }],
  },
  spec: { replicas: 1, template: { spec: { containers: [{ name: 'c', args: [] }] } } },
  status: { replicas: 1 },
};

test('bookkeeping and status are no difference', () => {
  const merged = structuredClone(live);
  merged.metadata.generation = 3;
  merged.metadata.resourceVersion = '9';
  merged.metadata.managedFields = [];
  merged.status.replicas = 0;
  assert.equal(differs(live, merged), false);
  assert.equal(
    differs(live, { ...merged, metadata: { ...merged.metadata, annotations: {} } }),
    false,
  );
});

test('labels, annotations and everything declared are', () => {
  const { metadata } = live;
  assert.ok(differs(live, { ...live, metadata: { ...metadata, labels: { app: 'x' } } }));
  assert.ok(differs(live, { ...live, metadata: { ...metadata, annotations: { a: 'b' } } }));
  assert.ok(differs(live, { ...live, spec: { ...live.spec, replicas: 2 } }));
  assert.ok(differs(live, { ...live, data: {}, spec: live.spec }));
});

test('empty and absent values of a field are the same', () => {
  const merged = structuredClone(live) as Record<string, unknown> & typeof live;
  merged.spec.template.spec.containers[0] = { name: 'c', args: null } as never;
  assert.equal(differs(live, merged), false);
});

test('a create is told by the missing resourceVersion', () => {
  assert.equal(wouldCreate(live), false);
  assert.equal(wouldCreate({ ...live, metadata: { name: 'web' } }), true);
});
