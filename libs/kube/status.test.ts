import assert from 'node:assert/strict';
import { it } from 'node:test';
import { apiError, retryAfterMs } from './status.ts';

it('takes reason, message and details from the Status', () => {
  const status = {
    kind: 'Status',
    message: 'configmaps "a" not found',
    reason: 'NotFound',
    details: { name: 'a', kind: 'configmaps' },
    code: 404,
  };
  const error = apiError(404, {}, Buffer.from(JSON.stringify(status)));
  assert.equal(error.message, status.message);
  assert.equal(error.reason, 'NotFound');
  assert.equal(error.status, 404);
  assert.equal(error.details?.name, 'a');
});

it('makes do with a page of a proxy', () => {
  const error = apiError(503, { 'retry-after': '7' }, Buffer.from('upstream is away\n'));
  assert.equal(error.message, 'upstream is away');
  assert.equal(error.reason, 'ServiceUnavailable');
  assert.equal(error.retryAfterMs, 7_000);
  assert.equal(apiError(404, {}, Buffer.alloc(0)).reason, 'NotFound');
});

it('gives a failure no reason where the server has none', () => {
  const status = { kind: 'Status', message: '.data.port: expected string', code: 500 };
  assert.equal(apiError(500, {}, Buffer.from(JSON.stringify(status))).reason, '');
  const conflict = { kind: 'Status', message: 'try again', code: 409 };
  assert.equal(apiError(409, {}, Buffer.from(JSON.stringify(conflict))).reason, 'Conflict');
});

it('finds the time to stay away in the body too', () => {
  const status = { kind: 'Status', reason: 'ServerTimeout', details: { retryAfterSeconds: 2 } };
  assert.equal(apiError(500, {}, Buffer.from(JSON.stringify(status))).retryAfterMs, 2_000);
});

it('reads Retry-After as seconds and as a date', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  assert.equal(retryAfterMs('3'), 3_000);
  assert.equal(retryAfterMs('Thu, 01 Jan 2026 00:00:05 GMT', now), 5_000);
  assert.equal(retryAfterMs('Thu, 01 Jan 2026 00:00:00 GMT', now + 9_000), 0);
  assert.equal(retryAfterMs('soon'), undefined);
  assert.equal(retryAfterMs(undefined), undefined);
});
