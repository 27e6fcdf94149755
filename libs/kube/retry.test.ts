import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError, ConnectionError, RequestTimeoutError } from './errors.ts';
import { backoffMs, retryDelayMs, retrying } from './retry.ts';

const once = { attempt: 0, idempotent: true };
const create = { attempt: 0, idempotent: false };

function api(status: number, retryAfterMs?: number): ApiError {
  return new ApiError('no', {
    status,
    reason: 'x',
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

describe('what is tried again', () => {
  it('anything that the server asks for, and not before it wants that', () => {
    assert.ok((retryDelayMs(api(429, 3_000), create) ?? 0) >= 3_000);
    assert.ok((retryDelayMs(api(503, 1_000), create) ?? 0) >= 1_000);
    assert.ok((retryDelayMs(api(500, 1_000), create) ?? 0) >= 1_000);
  });

  it('what never reached the server, whatever it was', () => {
    assert.notEqual(retryDelayMs(new ConnectionError('', { sent: false }), create), undefined);
  });

  it('what may have reached it only when twice is the same as once', () => {
    const cut = new ConnectionError('', { sent: true });
    assert.equal(retryDelayMs(cut, create), undefined);
    assert.notEqual(retryDelayMs(cut, once), undefined);
    assert.equal(retryDelayMs(api(503), create), undefined);
    assert.notEqual(retryDelayMs(api(503), once), undefined);
  });

  it('not what the server refuses, nor what is out of time', () => {
    for (const status of [400, 401, 403, 404, 409, 422, 500]) {
      assert.equal(retryDelayMs(api(status), once), undefined, String(status));
    }
    assert.equal(retryDelayMs(new RequestTimeoutError(), once), undefined);
  });
});

it('waits longer each time, up to a limit, and never the same', () => {
  const limits = { baseMs: 100, maxMs: 1_000 };
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const ceiling = Math.min(1_000, 100 * 2 ** attempt);
    const delay = backoffMs(attempt, limits);
    assert.ok(delay >= ceiling / 2 && delay <= ceiling, `${attempt}: ${delay}`);
  }
});

it('does not wait past its deadline', async () => {
  const signal = new AbortController().signal;
  let tries = 0;
  const run = async () => {
    tries += 1;
    throw api(429, 60_000);
  };
  const deadline = performance.now() + 1_000;
  await assert.rejects(retrying(run, { signal, deadline, idempotent: true }), ApiError);
  assert.equal(tries, 1);
});
