import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Kustomization } from '@weir/api';
import { createLastBuilds } from './last-builds.ts';

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
  const digests = { artifact: 'sha256:0', digest: 'sha256:1', inputs: 'v', inventory: 'i' };
  return { revision: 'main@sha1:1', ...digests, trace, watched: true };
}

test('a last build is that of the very object with the very spec', () => {
  const builds = createLastBuilds();
  builds.remember(kustomization('a'), applied(1), true);
  assert.equal(builds.recall(kustomization('a'))?.revision, 'main@sha1:1');
  assert.equal(builds.recall(kustomization('a', 2)), undefined);
  assert.equal(builds.recall(kustomization('a', 1, 'another')), undefined);
  builds.update(kustomization('a'), NEXT, { checked: false });
  assert.equal(builds.recall(kustomization('a'))?.revision, 'main@sha1:2');
  builds.forget('n/a');
  assert.equal(builds.recall(kustomization('a')), undefined);
});

test('the traces take bounded memory, and those not used for longest go', () => {
  const builds = createLastBuilds(10);
  for (const name of ['a', 'b']) builds.remember(kustomization(name), applied(3), true);
  builds.update(kustomization('a'), NEXT, { checked: false });
  builds.remember(kustomization('c'), applied(3), true);
  const kept = ['a', 'b', 'c'].filter((name) => builds.recall(kustomization(name)));
  assert.deepEqual(kept, ['a', 'c']);
  builds.remember(kustomization('huge'), applied(20), true);
  assert.equal(builds.recall(kustomization('huge')), undefined);
  builds.remember(kustomization('d'), applied(3), true);
  assert.ok(builds.recall(kustomization('d')), 'what was dropped takes no room');
});

test('a check that asked nothing leaves the time of the last comparison', () => {
  const builds = createLastBuilds();
  const { comparedAt } = builds.remember(kustomization('a'), applied(1), true);
  const again = builds.remember(kustomization('a'), applied(1), false);
  assert.equal(again.comparedAt, comparedAt);
  assert.ok(again.checkedAt >= comparedAt);
  builds.update(kustomization('a'), NEXT, { checked: false });
  assert.equal(builds.recall(kustomization('a'))?.checkedAt, again.checkedAt);
  assert.notEqual(builds.remember(kustomization('a', 2), applied(1), false).comparedAt, comparedAt);
});
