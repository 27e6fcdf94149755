import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Kustomization } from '@weir/api';
import { createBases } from './last-builds.ts';

const NEXT = { revision: 'main@sha1:2', artifact: 'sha256:2' };

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
  const digests = { artifact: 'sha256:0', digest: 'sha256:1', variables: 'v', inventory: 'i' };
  return { revision: 'main@sha1:1', ...digests, trace, watched: true };
}

test('only the very object with the very spec has a basis', () => {
  const bases = createBases();
  bases.remember(kustomization('a'), applied(1), true);
  assert.equal(bases.recall(kustomization('a'))?.revision, 'main@sha1:1');
  assert.equal(bases.recall(kustomization('a', 2)), undefined);
  assert.equal(bases.recall(kustomization('a', 1, 'another')), undefined);
  bases.passOn(kustomization('a'), NEXT, { looked: false });
  assert.equal(bases.recall(kustomization('a'))?.revision, 'main@sha1:2');
  bases.forget('n/a');
  assert.equal(bases.recall(kustomization('a')), undefined);
});

test('the traces take bounded memory, and those not used for longest go', () => {
  const bases = createBases(10);
  for (const name of ['a', 'b']) bases.remember(kustomization(name), applied(3), true);
  bases.passOn(kustomization('a'), NEXT, { looked: false });
  bases.remember(kustomization('c'), applied(3), true);
  const kept = ['a', 'b', 'c'].filter((name) => bases.recall(kustomization(name)));
  assert.deepEqual(kept, ['a', 'c']);
  bases.remember(kustomization('huge'), applied(20), true);
  assert.equal(bases.recall(kustomization('huge')), undefined);
  bases.remember(kustomization('d'), applied(3), true);
  assert.ok(bases.recall(kustomization('d')), 'what was dropped takes no room');
});

test('a look that asked nothing leaves the time of the last comparison', () => {
  const bases = createBases();
  const { comparedAt } = bases.remember(kustomization('a'), applied(1), true);
  const again = bases.remember(kustomization('a'), applied(1), false);
  assert.equal(again.comparedAt, comparedAt);
  assert.ok(again.lookedAt >= comparedAt);
  bases.passOn(kustomization('a'), NEXT, { looked: false });
  assert.equal(bases.recall(kustomization('a'))?.lookedAt, again.lookedAt);
  assert.notEqual(bases.remember(kustomization('a', 2), applied(1), false).comparedAt, comparedAt);
});
