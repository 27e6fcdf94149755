import assert from 'node:assert/strict';
import { it } from 'node:test';
import { eventSubject } from './subjects.ts';

const ref = {
  kind: 'GitRepository',
  group: 'source.toolkit.fluxcd.io/v1',
  namespace: 'ns',
  name: 'a.b',
};
const kind = 'GitRepository%2Esource%2Etoolkit%2Efluxcd%2Eio';

it('makes one token of each part', () => {
  assert.equal(
    eventSubject('c', { ...ref, namespace: '' }, 'Now > then'),
    `weir.event.c.${kind}.-.a%2Eb.Now%20%3E%20then`,
  );
  assert.equal(
    eventSubject('c', { kind: 'Node', group: 'v1', namespace: '', name: 'n' }, 'R'),
    'weir.event.c.Node.-.n.R',
  );
});
