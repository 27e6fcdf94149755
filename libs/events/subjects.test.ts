import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import {
  artifactFilter,
  artifactSubject,
  eventSubject,
  subjectToken,
  tokenText,
} from './subjects.ts';

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

it('makes subjects of the design', () => {
  const ref = {
    kind: 'GitRepository',
    group: 'source.toolkit.fluxcd.io/v1',
    namespace: 'ns',
    name: 'a.b',
  };
  const kind = 'GitRepository%2Esource%2Etoolkit%2Efluxcd%2Eio';
  assert.equal(artifactSubject('my.cluster', ref), `weir.artifact.my%2Ecluster.${kind}.ns.a%2Eb`);
  assert.equal(
    eventSubject('c', { ...ref, namespace: '' }, 'Now > then'),
    `weir.event.c.${kind}.-.a%2Eb.Now%20%3E%20then`,
  );
  assert.equal(
    eventSubject('c', { kind: 'Node', group: 'v1', namespace: '', name: 'n' }, 'R'),
    'weir.event.c.Node.-.n.R',
  );
  assert.equal(
    artifactFilter('c', 'GitRepository.source.toolkit.fluxcd.io'),
    `weir.artifact.c.${kind}.>`,
  );
});
