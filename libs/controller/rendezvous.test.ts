import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memberOf, ownerOf } from './rendezvous.ts';

const keys = Array.from({ length: 20_000 }, (_, n) => `Kustomization/team-${n % 97}/app-${n}`);
const members = (count: number) =>
  Array.from({ length: count }, (_, n) => memberOf(`weir-kustomize-7d9f8-${n}_a1b2c3`));

for (const count of [2, 3, 5, 10]) {
  test(`${count} members own about the same number of keys`, () => {
    const shares = new Map<string, number>();
    for (const key of keys) {
      const owner = ownerOf(key, members(count)) ?? '';
      shares.set(owner, (shares.get(owner) ?? 0) + 1);
    }
    assert.equal(shares.size, count);
    for (const share of shares.values()) {
      const fair = keys.length / count;
      assert.ok(Math.abs(share - fair) < fair * 0.1, `${share} keys of ${fair}`);
    }
  });
}

test('a member that comes takes its share from all, and nothing else moves', () => {
  const before = members(4);
  const after = members(5);
  const newcomer = after[4]?.identity;
  const moved = keys.filter((key) => ownerOf(key, before) !== ownerOf(key, after));
  assert.ok(moved.every((key) => ownerOf(key, after) === newcomer));
  assert.ok(Math.abs(moved.length - keys.length / 5) < keys.length / 50, `${moved.length} moved`);
  assert.equal(new Set(moved.map((key) => ownerOf(key, before))).size, 4);
});

test('a member that goes leaves only its own keys to others', () => {
  const before = members(5);
  const after = before.filter((_, n) => n !== 2);
  for (const key of keys) {
    const owner = ownerOf(key, before);
    if (owner !== before[2]?.identity) assert.equal(ownerOf(key, after), owner);
  }
});

test('the order in which members are known does not matter', () => {
  const some = members(7);
  const reversed = some.toReversed();
  for (const key of keys.slice(0, 2_000)) assert.equal(ownerOf(key, some), ownerOf(key, reversed));
});

test('without members a key has no owner', () => {
  assert.equal(ownerOf('a/b', []), undefined);
});
