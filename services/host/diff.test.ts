import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grammar } from './catalogue.ts';
import { UsageError } from './command-line.ts';
import { describeChange } from './diff.ts';

test('what diff takes is said before anything is asked', async () => {
  const known = await grammar();
  const { signal } = new AbortController();
  for (const [args, message] of [
    [[], /diff wants a kind \(helmrelease, imageupdateautomation\) and an object/],
    [['deployment', 'a/b'], /diff wants a kind/],
    [['imageupdateautomation'], /diff wants a kind/],
    [['imageupdateautomation', 'b'], /diff wants a kind/],
    [['imageupdateautomation', 'a/b/c'], /diff wants a kind/],
    [['ImageUpdateAutomation', 'a/b', 'source'], /diff takes one object, and not source too/],
    [['imageupdateautomation', 'a/b', '--nope'], /unknown flag --nope/],
  ] as const) {
    await assert.rejects(describeChange({ args, grammar: known, signal, env: {} }), (error) => {
      assert.ok(error instanceof UsageError, String(error));
      assert.match(error.message, message);
      return true;
    });
  }
});
