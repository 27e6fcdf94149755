import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { ApiError, isApiError } from '@weir/kube';
import { masked, maskedCause } from './secrecy.ts';

const VALUES = ['hunter2', 'hunter2-longer', 'no'];

test('values are masked, longer ones first, and what is too short for a secret stays', () => {
  const text = 'labels: Invalid value: "hunter2-longer": no, hunter2';
  assert.equal(masked(text, VALUES), 'labels: Invalid value: "*****": no, *****');
});

test('a cause has no value either, and is an error of the API server still', () => {
  const api = new ApiError('Invalid value: "hunter2"', { status: 422, reason: 'Invalid' });
  const found = maskedCause(new Error('dry-run failed: hunter2', { cause: api }), VALUES);
  assert.ok(isApiError(found));
  assert.deepEqual([found.status, found.reason], [422, 'Invalid']);
  assert.ok(!inspect(found).includes('hunter2'));
  const other = maskedCause(new Error('hunter2'), VALUES);
  assert.ok(!inspect(other).includes('hunter2'));
  const harmless = new Error('conflict', { cause: new Error('gone') });
  assert.equal(maskedCause(harmless, VALUES), harmless);
});
