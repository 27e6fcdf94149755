import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { subjectToken, tokenText } from './subjects.ts';

it('escapes any text into one token, and back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const token = subjectToken(text);
      assert.match(token, /^[A-Za-z0-9_%-]+$/);
      assert.equal(tokenText(token), text);
    }),
  );
  for (const text of ['', '-', '--', '*', '>', 'a.b', 'ä b', '%2E']) {
    assert.equal(tokenText(subjectToken(text)), text);
  }
});

it('keeps different texts apart', () => {
  const texts = ['', '-', '%2D', 'a.b', 'a%2Eb', 'a_b', 'a-b'];
  assert.equal(new Set(texts.map(subjectToken)).size, texts.length);
});
