import assert from 'node:assert/strict';
import { it } from 'node:test';
import { artifactFilter, artifactSubject } from './subjects.ts';

const ref = {
  kind: 'GitRepository',
  group: 'source.toolkit.fluxcd.io/v1',
  namespace: 'ns',
  name: 'a.b',
};
const kind = 'GitRepository%2Esource%2Etoolkit%2Efluxcd%2Eio';

it('makes one token of each part', () => {
  assert.equal(artifactSubject('my.cluster', ref), `weir.artifact.my%2Ecluster.${kind}.ns.a%2Eb`);
  assert.equal(
    artifactFilter('c', 'GitRepository.source.toolkit.fluxcd.io'),
    `weir.artifact.c.${kind}.>`,
  );
});
