import { deepEqual, equal, notEqual, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import { createExpiringCache } from './expiring-cache.ts';

interface Token {
  n: number;
  expiresAt: number;
}

const HOUR_MS = 3_600_000;
const { signal } = new AbortController();

/** Makes values of an hour, and counts them. */
function maker(lifeMs = HOUR_MS, now = Date.now) {
  let made = 0;
  return {
    make: async (): Promise<Token> => ({ n: ++made, expiresAt: now() + lifeMs }),
    made: () => made,
  };
}

test('a value is kept for four fifths of its life, and no longer than the longest age', async () => {
  let at = Date.UTC(2026, 0, 1);
  const cache = createExpiringCache<Token>({ max: 10, maxAgeMs: HOUR_MS, now: () => at });
  const steps: [lifeMs: number, laterMs: number, isSame: boolean][] = [
    [600_000, 479_000, true],
    [600_000, 481_000, false],
    [12 * HOUR_MS, HOUR_MS - 1_000, true],
    [12 * HOUR_MS, HOUR_MS + 1_000, false],
  ];
  for (const [lifeMs, laterMs, isSame] of steps) {
    const { make } = maker(lifeMs, () => at);
    const first = await cache.get([lifeMs], make, signal);
    at += laterMs;
    equal(cache.find([lifeMs])?.n === first.n, isSame, `${lifeMs} ${laterMs}`);
    const second = await cache.get([lifeMs], make, signal);
    equal(first.n === second.n, isSame, `${lifeMs} ${laterMs}`);
    at += 24 * HOUR_MS;
  }
});

test('a value that is over is given out once, and not kept', async () => {
  const cache = createExpiringCache<Token>({ max: 10 });
  for (const lifeMs of [0, -1, Number.NaN]) {
    const { make, made } = maker(lifeMs);
    for (let n = 0; n < 2; n++) await cache.get([lifeMs], make, signal);
    equal(made(), 2, String(lifeMs));
  }
});

test('a clock that is set back makes no value hold longer', async () => {
  let at = Date.UTC(2026, 0, 1);
  const cache = createExpiringCache<Token>({ max: 10, now: () => at });
  const { make } = maker(50, () => at);
  const first = await cache.get([], make, signal);
  const end = performance.now() + 45;
  while (performance.now() < end) at -= 1;
  notEqual((await cache.get([], make, signal)).n, first.n);
});

test('one is made for all who wait, whoever of them goes away; parts tell values apart', async () => {
  const cache = createExpiringCache<Token>({ max: 10 });
  const gate = Promise.withResolvers<void>();
  const { make, made } = maker();
  const slowly = () => gate.promise.then(make);
  const leaving = new AbortController();
  const left = cache.get(['a'], slowly, leaving.signal);
  const stayed = [1, 2, 3].map(() => cache.get(['a'], slowly, signal));
  const others = [['a', undefined], ['a', ''], [['a']], ['b']].map((parts) =>
    cache.get(parts, slowly, signal),
  );
  leaving.abort(new Error('enough'));
  await rejects(left, /enough/);
  gate.resolve();
  equal(new Set((await Promise.all(stayed)).map(({ n }) => n)).size, 1);
  await Promise.all(others);
  equal(made(), 5);
});

test('those that were used least recently go, and none is kept where none may be', async () => {
  const asked: string[] = [];
  const get = (cache: typeof small, key: string) =>
    cache.get([key], async () => ({ n: asked.push(key), expiresAt: Date.now() + HOUR_MS }), signal);
  const small = createExpiringCache<Token>({ max: 2 });
  for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) await get(small, key);
  deepEqual(asked.splice(0), ['a', 'b', 'c', 'b']);
  const none = createExpiringCache<Token>({ max: 0 });
  for (const key of ['a', 'a']) await get(none, key);
  deepEqual(asked, ['a', 'a']);
});

test('a failure and what was dropped are made anew', async () => {
  const cache = createExpiringCache<Token>({ max: 2 });
  const fails = () => Promise.reject(new Error('no'));
  await rejects(cache.get([], fails, signal), /no/);
  const { make, made } = maker();
  await cache.get([], make, signal);
  cache.delete([]);
  equal(cache.find([]), undefined);
  await cache.get([], make, signal);
  equal(made(), 2);
});

test('what happens is told', async () => {
  const told: string[] = [];
  const recorder = {
    wanted: (isKept: boolean) => void told.push(isKept ? 'hit' : 'miss'),
    made: (isMade: boolean) => void told.push(isMade ? 'made' : 'failed'),
    grew: (by: number) => void told.push(`${by}`),
    evicted: () => void told.push('evicted'),
  };
  const cache = createExpiringCache<Token>({ max: 1, recorder });
  const { make } = maker();
  await cache.get(['a'], make, signal);
  await cache.get(['a'], make, signal);
  await cache.get(['b'], make, signal);
  await rejects(cache.get(['c'], () => Promise.reject(new Error('no')), signal));
  cache.delete(['b']);
  const expected = ['miss', '1', 'made', 'hit', 'miss', 'evicted', 'made', 'miss', 'failed', '-1'];
  deepEqual(told, expected);
});
