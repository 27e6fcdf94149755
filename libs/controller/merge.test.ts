import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mergeDiff } from './merge.ts';

/** RFC 7386, section 2. */
function applied(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const isMap = typeof target === 'object' && target !== null && !Array.isArray(target);
  const result: Record<string, unknown> = isMap ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = applied(result[key], value);
  }
  return result;
}

const { status } = fc.letrec((tie) => ({
  status: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), tie('value'), { maxKeys: 4 }),
  value: fc.oneof(
    { maxDepth: 3 },
    fc.integer(),
    fc.string(),
    fc.boolean(),
    fc.array(fc.integer(), { maxLength: 3 }),
    tie('status'),
  ),
}));

test('the patch makes the one of the other, and there is none for the same', () => {
  fc.assert(
    fc.property(status, status, (from, to) => {
      const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as object;
      const patch = mergeDiff(plain(from), plain(to));
      assert.deepEqual(applied(plain(from), patch ?? {}), plain(to));
      assert.equal(mergeDiff(plain(from), plain(from)), undefined);
    }),
  );
});

test('only what differs is in it', () => {
  const from = { a: 1, list: [1, 2], inner: { same: true, old: 1 }, gone: 'x' };
  const to = { a: 1, list: [1, 3], inner: { same: true, fresh: 2 }, absent: undefined };
  assert.deepEqual(mergeDiff(from, to), {
    list: [1, 3],
    inner: { old: null, fresh: 2 },
    gone: null,
  });
});
