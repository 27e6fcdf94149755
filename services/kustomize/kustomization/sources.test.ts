import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Artifact, Kustomization } from '@weir/api';
import { Failure } from './status/failure.ts';
import { findArtifact, originRevision, type Source } from './sources.ts';

const artifact: Artifact = {
  digest: 'sha256:00',
  lastUpdateTime: '2024-01-01T00:00:00Z',
  path: 'p',
  revision: 'main@sha1:1',
  url: 'http://x/p',
};

function find(source: Source | undefined, options: { namespace?: string; closed?: boolean } = {}) {
  const { namespace, closed = false } = options;
  const object: Kustomization = {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { name: 'app', namespace: 'n' },
    spec: {
      interval: '1m',
      prune: true,
      sourceRef: {
        kind: 'OCIRepository',
        name: 's',
        ...(namespace === undefined ? {} : { namespace }),
      },
    },
  };
  const sources = {
    offer: () => undefined,
    close: () => undefined,
    find: () => Promise.resolve(source),
  };
  const limits = {
    noCrossNamespaceRefs: closed,
    allowExternalArtifact: false,
    retryMs: 5_000,
    retryText: '5s',
  };
  return findArtifact(object, sources, limits);
}

async function failure(run: Promise<unknown>): Promise<Failure> {
  const error = await run.catch((error: unknown) => error);
  assert.ok(error instanceof Failure);
  return error;
}

test('the artifact of the source is what is applied', async () => {
  assert.equal(await find({ key: 'OCIRepository/n/s', artifact }), artifact);
});

test('what is missing is said', async () => {
  const missing = await failure(find(undefined));
  assert.equal(missing.message, 'OCIRepository.source.toolkit.fluxcd.io "s" not found');
  const empty = await failure(find({ key: 'OCIRepository/n/s' }));
  assert.equal(empty.message, 'Source artifact not found, retrying in 5s');
  assert.equal(empty.retryMs, 5_000);
  assert.equal(empty.reason, 'ArtifactFailed');
});

test('other namespaces can be closed', async () => {
  const source = { key: 'OCIRepository/m/s', artifact };
  assert.equal(await find(source, { namespace: 'm' }), artifact);
  const refused = await failure(find(source, { namespace: 'm', closed: true }));
  assert.equal(
    refused.message,
    "can't access 'OCIRepository/m/s', cross-namespace references have been blocked",
  );
  assert.equal(refused.reason, 'AccessDenied');
  assert.equal(refused.stalled, true);
  assert.equal(await find(source, { namespace: 'n', closed: true }), artifact);
});

test('the origin of an artifact is read from its annotation', () => {
  assert.equal(originRevision(artifact), undefined);
  const metadata = { 'org.opencontainers.image.revision': 'main@sha1:2' };
  assert.equal(originRevision({ ...artifact, metadata }), 'main@sha1:2');
});
