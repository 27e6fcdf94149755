import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Kustomization } from '@weir/api';
import { createBases } from './basis.ts';

function kustomization(name: string, generation = 1, uid = name): Kustomization {
  return {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { namespace: 'n', name, uid, generation },
    spec: { interval: '1h', prune: true, sourceRef: { kind: 'GitRepository', name: 's' } },
  };
}

function applied(files: number) {
  const names = Array.from({ length: files }, (_, index) => [`f${index}`, 'sha256:0']);
  const trace = { files: Object.fromEntries(names), dirs: {}, kinds: {} };
  return { revision: 'main@sha1:1', digest: 'sha256:1', trace, substitute: undefined };
}

test('only the very object with the very spec has a basis', () => {
  const bases = createBases();
  bases.remember(kustomization('a'), applied(1));
  assert.equal(bases.recall(kustomization('a'))?.revision, 'main@sha1:1');
  assert.equal(bases.recall(kustomization('a', 2)), undefined);
  assert.equal(bases.recall(kustomization('a', 1, 'another')), undefined);
  bases.passOn(kustomization('a'), 'main@sha1:2');
  assert.equal(bases.recall(kustomization('a'))?.revision, 'main@sha1:2');
  bases.forget('n/a');
  assert.equal(bases.recall(kustomization('a')), undefined);
});

test('the traces take bounded memory, and those not used for longest go', () => {
  const bases = createBases(10);
  for (const name of ['a', 'b']) bases.remember(kustomization(name), applied(3));
  bases.passOn(kustomization('a'), 'main@sha1:2');
  bases.remember(kustomization('c'), applied(3));
  const kept = ['a', 'b', 'c'].filter((name) => bases.recall(kustomization(name)));
  assert.deepEqual(kept, ['a', 'c']);
  bases.remember(kustomization('huge'), applied(20));
  assert.equal(bases.recall(kustomization('huge')), undefined);
  bases.remember(kustomization('d'), applied(3));
  assert.ok(bases.recall(kustomization('d')), 'what was dropped takes no room');
});

test('variables are told apart, whatever their order', () => {
  const { fingerprint } = createBases();
  const one = fingerprint({ vars: { a: '1', b: '2' } });
  assert.equal(fingerprint({ vars: { b: '2', a: '1' } }), one);
  assert.notEqual(fingerprint({ vars: { a: '1', b: '3' } }), one);
  assert.notEqual(fingerprint({ vars: {} }), fingerprint(undefined));
  assert.notEqual(fingerprint({ vars: {}, always: true }), fingerprint({ vars: {} }));
});
