import { deepEqual, equal, notEqual, ok, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '@weir/telemetry';
import { createTokenCache } from './cache.ts';
import { cacheRecorder } from './cache-metrics.ts';

const HOUR_MS = 3_600_000;
const open = (now = () => Date.now(), max = 10, maxAgeMs = HOUR_MS) =>
  createTokenCache({ max, maxAgeMs }, now);
const signal = () => AbortSignal.timeout(10_000);

test('a token is kept for four fifths of its life, and an hour at most', async () => {
  let at = Date.UTC(2026, 0, 1);
  let made = 0;
  const cache = open(() => at);
  const get = (lifeMs: number) =>
    cache.get(
      ['aws', lifeMs],
      'apps',
      async () => ({ n: ++made, expiresAt: at + lifeMs }),
      signal(),
    );
  const steps: [lifeMs: number, laterMs: number, isSame: boolean][] = [
    [600_000, 479_000, true],
    [600_000, 481_000, false],
    [12 * HOUR_MS, HOUR_MS - 1_000, true],
    [12 * HOUR_MS, HOUR_MS + 1_000, false],
  ];
  for (const [lifeMs, laterMs, isSame] of steps) {
    const first = await get(lifeMs);
    at += laterMs;
    const second = await get(lifeMs);
    equal(first.n === second.n, isSame, `${lifeMs} ${laterMs}`);
    at += 24 * HOUR_MS;
  }
});

test('one is made for all who wait, whoever of them goes away; parts tell tokens apart', async () => {
  const cache = open();
  const gate = Promise.withResolvers<void>();
  let made = 0;
  const make = async () => {
    await gate.promise;
    return { n: ++made, expiresAt: Date.now() + HOUR_MS };
  };
  const stop = new AbortController();
  const gone = cache.get(['a'], 'apps', make, stop.signal);
  const stays = [1, 2, 3].map(() => cache.get(['a'], 'apps', make, signal()));
  const other = cache.get(['b'], 'apps', make, signal());
  stop.abort(new Error('enough'));
  await rejects(gone, /enough/);
  gate.resolve();
  const tokens = await Promise.all(stays);
  deepEqual(new Set(tokens.map(({ n }) => n)).size, 1);
  notEqual((await other).n, tokens[0]?.n);
});

test('a token that has expired already is a failure', async () => {
  const cache = open();
  const make = async () => ({ expiresAt: Date.now() - 1 });
  const expected = { reason: 'InvalidAnswer', message: 'the token that was given has expired' };
  await rejects(cache.get(['a'], 'apps', make, signal()), expected);
  equal(cache.find(['a']), undefined);
});

test('a tenant whose tokens hang leaves slots to others', async () => {
  const cache = open();
  const hanging = Array.from({ length: 40 }, (_, index) =>
    cache.get([index], 'greedy', () => new Promise<never>(() => undefined), signal()),
  );
  for (const one of hanging) one.catch(() => undefined);
  const make = async () => ({ expiresAt: Date.now() + HOUR_MS });
  ok((await cache.get(['modest'], 'modest', make, signal())).expiresAt);
  cache.close();
});

test('tokens are counted under the names of Flux, those of two caches of a service together', async () => {
  const metrics = createMetrics({ service: 'test' });
  const recorder = cacheRecorder(metrics);
  const [one, other] = [1, 2].map(() => createTokenCache({ max: 1, maxAgeMs: HOUR_MS, recorder }));
  ok(one && other);
  const make = async () => ({ expiresAt: Date.now() + HOUR_MS });
  for (const name of ['a', 'a', 'b']) await one.get([name], 'apps', make, signal());
  await other.get(['a'], 'apps', make, signal());
  const refuse = () => Promise.reject(new Error('no'));
  await rejects(other.get(['c'], 'apps', refuse, signal()), /no/);
  const text = await metrics.expose();
  const seen = (name: string, label: string) => {
    const lines = text.split('\n').filter((it) => it.startsWith(name) && it.includes(label));
    return lines.map((it) => Number(it.split(' ').at(-1)));
  };
  deepEqual(seen('gotk_token_cached_items', ''), [2]);
  deepEqual(seen('gotk_token_cache_evictions_total', ''), [1]);
  deepEqual(seen('gotk_token_cache_events_total', 'cache_hit'), [1]);
  deepEqual(seen('gotk_token_cache_events_total', 'cache_miss'), [4]);
  deepEqual(seen('gotk_token_cache_requests_total', 'success'), [3]);
  deepEqual(seen('gotk_token_cache_requests_total', 'failure'), [1]);
});
