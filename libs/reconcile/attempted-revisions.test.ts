import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAttemptedRevisions } from './attempted-revisions.ts';

test('what a run took stays known, what it only looked for does not', () => {
  const attempted = createAttemptedRevisions();
  assert.equal(attempted.get('n/a'), undefined);
  attempted.search('n/a');
  assert.deepEqual(attempted.get('n/a'), { state: 'searching' });
  attempted.endSearch('n/a');
  assert.equal(attempted.get('n/a'), undefined);
  attempted.search('n/a');
  attempted.take('n/a', 'main@sha1:1');
  attempted.endSearch('n/a');
  assert.deepEqual(attempted.get('n/a'), { state: 'taken', revision: 'main@sha1:1' });
  attempted.forget('n/a');
  assert.equal(attempted.get('n/a'), undefined);
});
