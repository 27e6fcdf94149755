import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NoMatchError } from '@weir/kube';
import { originRevision } from './artifact.ts';
import { SourcesNotListed } from './kind-watches.ts';
import { findArtifact } from './lookup.ts';
import type { Source } from './sources.ts';

const artifact = {
  digest: 'sha256:00',
  lastUpdateTime: '2024-01-01T00:00:00Z',
  path: 'p',
  revision: 'main@sha1:1',
  url: 'http://x/p',
};
const owner = { metadata: { namespace: 'n' } };

function lookUp(source: Source | undefined | Error) {
  const find = async () => {
    if (source instanceof Error) throw source;
    return source;
  };
  return findArtifact({ find }, { kind: 'OCIRepository', name: 's' }, owner);
}

/** What is missing, with the message about it. */
async function missing(source: Source | undefined | Error) {
  const lookup = await lookUp(source);
  return lookup.found ? [] : [lookup.missing, lookup.message];
}

const object = { apiVersion: 'v1', kind: 'OCIRepository', metadata: { name: 's' } };

test('the artifact of the source is found', async () => {
  assert.deepEqual(await lookUp({ object, artifact }), { found: true, artifact });
});

test('what is missing is named', async () => {
  assert.deepEqual(await missing(undefined), [
    'source',
    'OCIRepository.source.toolkit.fluxcd.io "s" not found',
  ]);
  assert.deepEqual(await missing({ object }), ['artifact', 'Source artifact not found']);
  const late = new SourcesNotListed('OCIRepository');
  assert.deepEqual(await missing(late), ['list', 'unable to list OCIRepository objects, retrying']);
  const [what, message = ''] = await missing(new NoMatchError({ group: 'g', kind: 'K' }));
  assert.equal(what, 'kind');
  assert.match(message, /^unable to get source 'n\/s': no matches for kind/);
  await assert.rejects(lookUp(new Error('other')), /other/);
});

test('the origin of an artifact is read from its annotation', () => {
  assert.equal(originRevision(artifact), undefined);
  const metadata = { 'org.opencontainers.image.revision': 'main@sha1:2' };
  assert.equal(originRevision({ ...artifact, metadata }), 'main@sha1:2');
});
