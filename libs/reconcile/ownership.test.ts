import assert from 'node:assert/strict';
import { test } from 'node:test';
import { followOwnership } from './ownership.ts';

function kept(...keys: string[]) {
  const left = new Set(keys);
  const drop = (key: string) => void left.delete(key);
  return { left, keys: () => [...left], done: drop, leave: drop };
}

test('a replica lets go of what another one owns, and keeps its own', () => {
  const listeners = new Set<() => void>();
  const owned = new Set(['Kind/a/one', 'Kind/a/two']);
  const [dependencyWatches, clusters] = [kept('a/one', 'a/two'), kept('a/one', 'a/two')];
  const stop = followOwnership({
    membership: {
      owns: (key) => owned.has(key),
      onChange(listener) {
        listeners.add(listener as () => void);
        return () => listeners.delete(listener as () => void);
      },
    },
    ownershipKey: (key) => `Kind/${key}`,
    ...{ dependencyWatches, clusters },
  });
  const change = () => {
    for (const listener of listeners) listener();
  };
  change();
  assert.deepEqual([...clusters.left], ['a/one', 'a/two']);
  owned.delete('Kind/a/two');
  change();
  assert.deepEqual([...dependencyWatches.left], ['a/one']);
  assert.deepEqual([...clusters.left], ['a/one']);
  stop();
  assert.equal(listeners.size, 0);
});
