import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Artifact,
  FETCH_FAILED,
  type GitRepository,
  STALLED,
  STORAGE_OPERATION_FAILED,
} from '@weir/api';
import { SourceFailure } from './failure.ts';
import { failed, hasFailed, inProgress, isAwaited, stalled, succeeded, tellsOf } from './status.ts';

const digest = `sha256:${'d'.repeat(64)}`;

function artifactOf(revision: string): Artifact {
  const path = 'gitrepository/apps/web/d.tar.gz';
  const url = `http://source/${path}`;
  return { revision, digest, path, url, size: 1, lastUpdateTime: '2026-01-01T00:00:00Z' };
}

function repository(status?: GitRepository['status'], generation = 1): GitRepository {
  return {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: { name: 'web', namespace: 'apps', generation },
    spec: { url: 'https://host/web', interval: '1m' },
    ...(status ? { status } : {}),
  };
}

/** `type=status reason message` of each condition, in order. */
function told(status: GitRepository['status']): string[] {
  return (status?.conditions ?? []).map(
    (condition) => `${condition.type}=${condition.status} ${condition.reason} ${condition.message}`,
  );
}

const unreachable = new SourceFailure(FETCH_FAILED, 'GitOperationFailed', 'no route');

test('the first revision', () => {
  const object = repository({ observedGeneration: -1 });
  const doing = inProgress(object, { newRevision: 'main@sha1:a' });
  const building = "building artifact: new upstream revision 'main@sha1:a'";
  assert.deepEqual(told(doing), [
    `Reconciling=True Progressing ${building}`,
    `Ready=Unknown Progressing ${building}`,
  ]);
  assert.equal(doing.observedGeneration, -1);

  const done = succeeded({ ...object, status: doing }, artifactOf('main@sha1:a'));
  assert.deepEqual(told(done), [
    "Ready=True Succeeded stored artifact for revision 'main@sha1:a'",
    "ArtifactInStorage=True Succeeded stored artifact for revision 'main@sha1:a'",
  ]);
  assert.equal(done.observedGeneration, 1);
  assert.equal(done.artifact?.revision, 'main@sha1:a');
});

test('a failure keeps the artifact and says that it goes on', () => {
  const before = succeeded(repository(), artifactOf('main@sha1:a'));
  const object = repository(before);
  const status = failed(object, unreachable, {});
  assert.deepEqual(told(status), [
    'Reconciling=True ProgressingWithRetry reconciliation in progress',
    'Ready=False GitOperationFailed no route',
    "ArtifactInStorage=True Succeeded stored artifact for revision 'main@sha1:a'",
    'FetchFailed=True GitOperationFailed no route',
  ]);
  assert.equal(status.artifact?.revision, 'main@sha1:a');
  assert.equal(tellsOf(repository(status), unreachable), true);
  assert.equal(tellsOf(repository(status, 2), unreachable), false);
  assert.deepEqual(failed(repository(status), unreachable, {}), status, 'nothing new to write');

  const recovered = succeeded(repository(status), artifactOf('main@sha1:a'));
  assert.equal(hasFailed(repository(status)), true);
  assert.equal(hasFailed(repository(recovered)), false);
  assert.deepEqual(told(recovered), told(before));
});

test('a failure to store a newer revision marks the artifact as outdated', () => {
  const object = repository(succeeded(repository(), artifactOf('main@sha1:a')));
  const full = new SourceFailure(STORAGE_OPERATION_FAILED, 'ArchiveOperationFailed', 'full');
  assert.deepEqual(told(failed(object, full, { newRevision: 'main@sha1:b' })), [
    "Reconciling=True ProgressingWithRetry building artifact: new upstream revision 'main@sha1:b'",
    'Ready=False ArchiveOperationFailed full',
    "ArtifactInStorage=True Succeeded stored artifact for revision 'main@sha1:a'",
    "ArtifactOutdated=True NewRevision new upstream revision 'main@sha1:b'",
    'StorageOperationFailed=True ArchiveOperationFailed full',
  ]);
});

test('a new generation that fails is not observed', () => {
  const object = repository(succeeded(repository(), artifactOf('main@sha1:a')), 2);
  const status = failed(object, unreachable, {});
  assert.equal(status.observedGeneration, 1);
  assert.ok(
    told(status).includes(
      'Reconciling=True ProgressingWithRetry processing object: new generation 1 -> 2',
    ),
  );
});

test('stalled: observed, and nothing goes on', () => {
  const failure = new SourceFailure(STALLED, 'UnsupportedField', 'spec.verify');
  const status = stalled(repository({ observedGeneration: -1 }), failure);
  assert.deepEqual(told(status), [
    'Stalled=True UnsupportedField spec.verify',
    'Ready=False UnsupportedField spec.verify',
  ]);
  assert.equal(status.observedGeneration, 1);
  const invalid = new SourceFailure(FETCH_FAILED, 'URLInvalid', 'bad', { stalled: true });
  assert.ok(told(stalled(repository(), invalid)).includes('FetchFailed=True URLInvalid bad'));
});

test('observedIgnore follows spec.ignore, away too', () => {
  const object = repository();
  const ignoring = { ...object, spec: { ...object.spec, ignore: '*.md' } };
  const status = succeeded(ignoring, artifactOf('main@sha1:a'));
  assert.equal(status.observedIgnore, '*.md');
  assert.equal('observedIgnore' in succeeded(repository(status), artifactOf('r')), false);
});

test('the start of a run is of interest when something was changed or asked for', () => {
  const done = repository(succeeded(repository(), artifactOf('r')));
  assert.equal(isAwaited(done), false);
  assert.equal(isAwaited(repository(done.status, 2)), true);
  assert.equal(isAwaited(repository()), true);
  done.metadata.annotations = { 'reconcile.fluxcd.io/requestedAt': 'now' };
  assert.equal(isAwaited(done), true);
});

test('a request is answered by success and failure alike', () => {
  const object = repository();
  object.metadata.annotations = { 'reconcile.fluxcd.io/requestedAt': 'now' };
  assert.equal(succeeded(object, artifactOf('r')).lastHandledReconcileAt, 'now');
  assert.equal(failed(object, unreachable, {}).lastHandledReconcileAt, 'now');
  assert.equal(stalled(object, unreachable).lastHandledReconcileAt, 'now');
  assert.equal(inProgress(object, {}).lastHandledReconcileAt, undefined, 'not before the end');
});
