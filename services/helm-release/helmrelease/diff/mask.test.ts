import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RenderedObject } from '@weir/render';
import { createMask } from './mask.ts';
import { compareObjects } from './objects.ts';

const secret = (data: Record<string, string>): RenderedObject => ({
  ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'key' } },
  data,
});
const config = (data: Record<string, unknown>): RenderedObject => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'cfg' } },
  data,
});
const content = (...objects: RenderedObject[]) => ({ objects, hooks: [] });

test('of a Secret no more is shown than which keys are new, gone or changed', () => {
  const before = content(secret({ same: 'aaaa', changed: 'bbbb', gone: 'cccc' }));
  const after = content(secret({ same: 'aaaa', changed: 'dddd', come: 'eeee' }));
  const { changes } = compareObjects(before, after, createMask([]));
  const text = changes.flatMap(({ lines }) => lines).join('\n');
  assert.doesNotMatch(text, /aaaa|bbbb|cccc|dddd|eeee/);
  assert.match(text, /- {3}changed: "\*\*\* \(before\)"/);
  assert.match(text, /\+ {3}changed: "\*\*\* \(after\)"/);
  assert.match(text, /- {3}gone: "\*\*\*"/);
  assert.match(text, /\+ {3}come: "\*\*\*"/);
});

test('a value of a Secret is taken out wherever a template has put it', () => {
  const hidden = 'geheim-1234';
  const encoded = Buffer.from(hidden).toString('base64');
  const after = content(
    config({ url: `postgres://u:${hidden}@db`, encoded, pin: 98765, [hidden]: 'key', other: 'x' }),
  );
  const { changes } = compareObjects(undefined, after, createMask([hidden, '98765', 'x']));
  const text = changes.flatMap(({ lines }) => lines).join('\n');
  assert.doesNotMatch(text, /geheim|98765/);
  assert.ok(!text.includes(encoded));
  assert.match(text, /url: postgres:\/\/u:\*\*\*@db/);
  assert.match(text, /other: "\*\*\*"/);
});

test('a change of nothing but such values is still a change', () => {
  const [before, after] = [content(config({ a: 'old-pass' })), content(config({ a: 'new-pass' }))];
  const { changes, unchanged } = compareObjects(
    before,
    after,
    createMask(['old-pass', 'new-pass']),
  );
  assert.deepEqual(
    changes.map(({ subject, lines }) => [subject, ...lines]),
    [['ConfigMap/cfg', '  (only values that come from Secrets)']],
  );
  assert.equal(unchanged, 0);
});

test('patterns in a value mean nothing, and the longest value goes first', () => {
  const { text } = createMask(['a.*b[', 'a.*b[c]']);
  assert.equal(text('x a.*b[c] y a.*b[ z aXXb'), 'x *** y *** z aXXb');
});
