import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { type Change, createLedger } from './ledger.ts';
import type { KubeObject } from './object.ts';

function object(name: string, uid: string, resourceVersion: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'ns', uid, resourceVersion },
  };
}

function told(changes: Change<KubeObject>[]): string[] {
  return changes.map(
    ({ type, object: { metadata } }) => `${type} ${metadata.name}@${metadata.uid}`,
  );
}

it('works out what happened between two lists', () => {
  const ledger = createLedger<KubeObject>();
  ledger.beginList();
  for (const name of ['same', 'changed', 'gone', 'replaced']) {
    assert.deepEqual(told(ledger.present(object(name, '1', '1'))), [`added ${name}@1`]);
  }
  assert.deepEqual(ledger.endList(), []);

  ledger.beginList();
  assert.deepEqual(told(ledger.present(object('same', '1', '1'))), []);
  assert.deepEqual(told(ledger.present(object('changed', '1', '2'))), ['modified changed@1']);
  assert.deepEqual(told(ledger.present(object('replaced', '2', '3'))), [
    'deleted replaced@1',
    'added replaced@2',
  ]);
  assert.deepEqual(told(ledger.endList()), ['deleted gone@1']);
});

it('remembers which object it was and how it was labelled, and no more', () => {
  const ledger = createLedger<KubeObject>();
  const { metadata, ...rest } = object('a', '1', '7');
  const labels = { app: 'web' };
  const managedFields = [{ manager: 'kubectl' }];
  ledger.present({ ...rest, metadata: { ...metadata, labels, managedFields }, data: { a: 'b' } });
  ledger.beginList();
  const [change] = ledger.endList();
  const { annotations, ...kept } = change?.object.metadata ?? {};
  assert.deepEqual(change?.object, { ...rest, metadata: { ...kept, annotations } });
  assert.deepEqual(kept, { ...metadata, labels });
});

it('starts over when a list does', () => {
  const ledger = createLedger<KubeObject>();
  ledger.beginList();
  ledger.present(object('a', '1', '1'));
  ledger.beginList();
  ledger.present(object('b', '1', '1'));
  assert.deepEqual(told(ledger.endList()), ['deleted a@1']);
});

it('does not pass a deletion of an earlier object of that name on', () => {
  const ledger = createLedger<KubeObject>();
  ledger.present(object('a', '2', '5'));
  assert.deepEqual(ledger.gone(object('a', '1', '4')), []);
  assert.deepEqual(told(ledger.gone(object('a', '2', '6'))), ['deleted a@2']);
  assert.deepEqual(ledger.gone(object('a', '2', '6')), []);
});

it('tells a history that fits together, whatever the server says', () => {
  const said = fc.record({
    name: fc.constantFrom('a', 'b', 'c'),
    uid: fc.constantFrom('1', '2'),
    version: fc.constantFrom('1', '2', '3'),
    gone: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(said), (sayings) => {
      const ledger = createLedger<KubeObject>();
      const consumer = new Map<string, string>();
      for (const { name, uid, version, gone } of sayings) {
        const it = object(name, uid, version);
        for (const change of gone ? ledger.gone(it) : ledger.present(it)) {
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
