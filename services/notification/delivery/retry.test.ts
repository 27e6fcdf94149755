import assert from 'node:assert/strict';
import { it } from 'node:test';
import { DeliveryError } from './errors.ts';
import { retryDelayMs } from './retry.ts';

const passing = new DeliveryError('Unreachable', 'down', { permanent: false });
const wrong = new DeliveryError('Refused', 'bad token');

it('waits longer after each failure, up to five minutes', () => {
  assert.equal(retryDelayMs(passing, 1, 0), 1_000);
  assert.equal(retryDelayMs(passing, 3, 0), 2_250);
  assert.equal(retryDelayMs(passing, 100, 0), 300_000);
});

it('does not come back before the receiver wants it', () => {
  const busy = new DeliveryError('Refused', 'busy', { permanent: false, retryAfterMs: 30_000 });
  assert.equal(retryDelayMs(busy, 1, 0), 30_000);
});

it('gives up sooner on what only a change of configuration mends', () => {
  const hour = 60 * 60_000;
  assert.equal(retryDelayMs(wrong, 5, hour), undefined);
  assert.equal(retryDelayMs(passing, 5, hour), 5_062.5);
  assert.equal(retryDelayMs(passing, 5, 24 * hour), undefined);
});

it('treats an error that it does not know as one that passes', () => {
  assert.equal(retryDelayMs(new Error('?'), 1, 60 * 60_000), 1_000);
});
