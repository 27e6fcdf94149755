import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeLoop, findLoop } from './loops.ts';
import type { Dependent } from './references.ts';

/** Objects of namespace `n`: name to the names that it depends on. */
function loopFrom(name: string, graph: Record<string, string[]>): string[] | undefined {
  const all = new Map(
    Object.entries(graph).map(([of, names]) => {
      const dependsOn = names.map((it) =>
        it.includes('/') ? { namespace: it.split('/')[0], name: it.split('/')[1] } : { name: it },
      );
      const [namespace, own] = of.includes('/') ? of.split('/') : ['n', of];
      return [`${namespace}/${own}`, { metadata: { namespace, name: own }, spec: { dependsOn } }];
    }),
  ) as unknown as Map<string, Dependent>;
  const start = all.get(`n/${name}`);
  assert.ok(start);
  return findLoop(start, (key) => all.get(key));
}

test('a loop is found from each of its members, in the order of its references', () => {
  const graph = { a: ['x', 'b'], b: ['c'], c: ['a'], x: [] };
  assert.deepEqual(loopFrom('a', graph), ['n/a', 'n/b', 'n/c', 'n/a']);
  assert.deepEqual(loopFrom('b', graph), ['n/b', 'n/c', 'n/a', 'n/b']);
  assert.equal(
    describeLoop(loopFrom('c', graph) ?? []),
    'dependency loop n/c -> n/a -> n/b -> n/c: remove one of these from dependsOn',
  );
});

test('what depends on itself, and across namespaces', () => {
  assert.deepEqual(loopFrom('a', { a: ['a'] }), ['n/a', 'n/a']);
  assert.deepEqual(loopFrom('a', { a: ['m/a'], 'm/a': ['n/a'] }), ['n/a', 'm/a', 'n/a']);
});

test('what waits behind a loop is told of it', () => {
  assert.deepEqual(loopFrom('a', { a: ['b'], b: ['c'], c: ['b'] }), ['n/b', 'n/c', 'n/b']);
});

test('without a loop there is none, however many ways lead to the same place', () => {
  assert.equal(loopFrom('a', { a: ['b', 'c', 'gone'], b: ['d'], c: ['d'], d: [] }), undefined);
});

test('a long chain is no trouble', () => {
  const names = Array.from({ length: 5_000 }, (_, index) => `k${index}`);
  const chain = Object.fromEntries(names.map((name, i) => [name, [names[i + 1] ?? 'k0']]));
  assert.equal(loopFrom('k0', chain)?.length, 5_001);
});
