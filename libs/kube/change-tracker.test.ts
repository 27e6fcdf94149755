import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { type Change, createChangeTracker } from './change-tracker.ts';
import type { KubeObject } from './object.ts';

function object(name: string, uid: string, resourceVersion: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'ns', uid, resourceVersion },
  };
}

function reported(changes: Change<KubeObject>[]): string[] {
  return changes.map(
    ({ type, object: { metadata } }) => `${type} ${metadata.name}@${metadata.uid}`,
  );
}

it('computes the changes between two lists', () => {
  const tracker = createChangeTracker<KubeObject>();
  tracker.beginList();
  for (const name of ['same', 'changed', 'gone', 'replaced']) {
    assert.deepEqual(reported(tracker.observed(object(name, '1', '1'))), [`added ${name}@1`]);
  }
  assert.deepEqual(tracker.endList(), []);

  tracker.beginList();
  assert.deepEqual(reported(tracker.observed(object('same', '1', '1'))), []);
  assert.deepEqual(reported(tracker.observed(object('changed', '1', '2'))), ['modified changed@1']);
  assert.deepEqual(reported(tracker.observed(object('replaced', '2', '3'))), [
    'deleted replaced@1',
    'added replaced@2',
  ]);
  assert.deepEqual(reported(tracker.endList()), ['deleted gone@1']);
});

it('keeps identity, labels and annotations of an object, and nothing else', () => {
  const tracker = createChangeTracker<KubeObject>();
  const { metadata, ...rest } = object('a', '1', '7');
  const labels = { app: 'web' };
  const managedFields = [{ manager: 'kubectl' }];
  tracker.observed({ ...rest, metadata: { ...metadata, labels, managedFields }, data: { a: 'b' } });
  tracker.beginList();
  const [change] = tracker.endList();
  assert.deepEqual(change?.object, { ...rest, metadata: { ...metadata, labels } });
});

it('drops what an abandoned list contained when the list begins again', () => {
  const tracker = createChangeTracker<KubeObject>();
  tracker.beginList();
  tracker.observed(object('a', '1', '1'));
  tracker.beginList();
  tracker.observed(object('b', '1', '1'));
  assert.deepEqual(reported(tracker.endList()), ['deleted a@1']);
});

it('does not report the deletion of an earlier object of the same name', () => {
  const tracker = createChangeTracker<KubeObject>();
  tracker.observed(object('a', '2', '5'));
  assert.deepEqual(tracker.removed(object('a', '1', '4')), []);
  assert.deepEqual(reported(tracker.removed(object('a', '2', '6'))), ['deleted a@2']);
  assert.deepEqual(tracker.removed(object('a', '2', '6')), []);
});

it('reports a consistent sequence of changes, whatever the server sends', () => {
  const message = fc.record({
    name: fc.constantFrom('a', 'b', 'c'),
    uid: fc.constantFrom('1', '2'),
    version: fc.constantFrom('1', '2', '3'),
    gone: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(message), (messages) => {
      const tracker = createChangeTracker<KubeObject>();
      const consumer = new Map<string, string>();
      for (const { name, uid, version, gone } of messages) {
        const it = object(name, uid, version);
        for (const change of gone ? tracker.removed(it) : tracker.observed(it)) {
          const { metadata } = change.object;
          const held = consumer.get(metadata.name);
          if (change.type === 'added') assert.equal(held, undefined);
          else assert.equal(held, metadata.uid);
          if (change.type === 'deleted') consumer.delete(metadata.name);
          else consumer.set(metadata.name, metadata.uid ?? '');
        }
      }
    }),
  );
});
