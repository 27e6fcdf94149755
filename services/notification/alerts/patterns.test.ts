import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import { createPool, type RenderPool } from '@weir/render';
import { createLogger } from '@weir/telemetry';
import { PatternsTooSlow, patternMatcher } from './patterns.ts';

const log = createLogger({ service: 'test', level: 'silent' });
const pool = await createPool({ size: 1, log });
after(() => pool.close());

/** A matcher, and how often it asked the engine. */
function counted() {
  let calls = 0;
  const match: RenderPool['match'] = (request, options) => {
    calls += 1;
    return pool.match(request, options);
  };
  return { matchList: patternMatcher({ match }), calls: () => calls };
}

it('asks the engine once for a list and a message, however many alerts have them', async () => {
  const { matchList, calls } = counted();
  const list = ['failed$', 'timeout'];
  const both = [
    matchList(list, 'it failed', 'a'),
    matchList(['failed$', 'timeout'], 'it failed', 'a'),
  ];
  for (const { found } of await Promise.all(both)) assert.equal(found, true);
  assert.equal((await matchList(list, 'it failed', 'b')).found, true);
  assert.equal(calls(), 1);
  assert.equal((await matchList(list, 'it succeeded', 'a')).found, false);
  assert.equal(calls(), 2);
});

it('names patterns that are too many, too long, too large, or none, and matches with the others', async () => {
  const { matchList, calls } = counted();
  const many = await matchList(
    Array.from({ length: 101 }, () => '.'),
    'x',
    'a',
  );
  assert.deepEqual(many, {
    found: false,
    invalid: ['101 patterns in one list, at most 100 are looked at'],
  });
  assert.equal(calls(), 0);
  const bad = ['(?<=a)b', 'x'.repeat(2_000), '((a{100}){10}){10}', '['];
  const { found, invalid } = await matchList([...bad, 'x'], 'x', 'a');
  assert.equal(found, true);
  assert.equal(invalid.length, 4);
  assert.ok(invalid.every((text) => text.length < 400));
});

it('takes no longer for a pattern that backtracks, nor for a message without end', async () => {
  const { matchList } = counted();
  const begun = performance.now();
  const message = `${'a'.repeat(39_000)}!`;
  assert.equal((await matchList(['^(a+)+$', '(a|a)*$x', '(a*)*b'], message, 'a')).found, false);
  assert.equal((await matchList(['é$'], 'é'.repeat(200_000), 'a')).found, true);
  assert.ok(performance.now() - begun < 5_000);
});

it('says so when the patterns take too long', async () => {
  const { matchList } = counted();
  const slow = Array.from({ length: 100 }, (_, i) => `(x+x+){60}y{${i}}`);
  await assert.rejects(matchList(slow, 'x'.repeat(60_000), 'a'), PatternsTooSlow);
});
