import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Artifact,
  FETCH_FAILED,
  type GitRepository,
  STORAGE_OPERATION_FAILED,
} from '@weir/api';
import {
  asFailed,
  beginReport,
  Failure,
  finalStatusOf,
  type StatusReport,
  statusOf,
} from '@weir/reconcile';
import {
  asBegun,
  asLost,
  asOutdated,
  asStored,
  CONDITION_TYPES,
  hasFailed,
  isAwaited,
} from './conditions.ts';
import type { SourceStatus } from './source.ts';

type Report = StatusReport<SourceStatus>;

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
function said(status: GitRepository['status']): string[] {
  return (status?.conditions ?? []).map(
    (condition) => `${condition.type}=${condition.status} ${condition.reason} ${condition.message}`,
  );
}

const unreachable = failureOf('GitOperationFailed', 'no route', FETCH_FAILED);

function failureOf(reason: string, message: string, condition?: string, stalled = false): Failure {
  return new Failure(reason, message, { ...(condition ? { condition } : {}), stalled });
}

/** The status at the end of a run that says this. */
function ended(object: GitRepository, ...changes: ((report: Report) => Report)[]) {
  const begun = asBegun(beginReport<SourceStatus>(object, CONDITION_TYPES), object);
  const report = changes.reduce((before, change) => change(before), begun);
  return finalStatusOf(report, object) as NonNullable<GitRepository['status']>;
}

const stored = (revision: string) => (report: Report) =>
  asStored(report, artifactOf(revision), `stored artifact for revision '${revision}'`);
const failed = (failure: Failure) => (report: Report) => asFailed(report, failure);

test('the first revision', () => {
  const object = repository({ observedGeneration: -1 });
  const begun = asBegun(beginReport<SourceStatus>(object, CONDITION_TYPES), object);
  const doing = statusOf(
    asOutdated(begun, object, "new upstream revision 'main@sha1:a'"),
    object.status,
  );
  const building = "building artifact: new upstream revision 'main@sha1:a'";
  assert.deepEqual(said(doing), [
    `Reconciling=True Progressing ${building}`,
    `Ready=Unknown Progressing ${building}`,
  ]);
  assert.equal(doing.observedGeneration, -1);

  const done = ended({ ...object, status: doing }, stored('main@sha1:a'));
  assert.deepEqual(said(done), [
    "Ready=True Succeeded stored artifact for revision 'main@sha1:a'",
    "ArtifactInStorage=True Succeeded stored artifact for revision 'main@sha1:a'",
  ]);
  assert.equal(done.observedGeneration, 1);
  assert.equal(done.artifact?.revision, 'main@sha1:a');
});

test('a failure keeps the artifact and says that it goes on', () => {
  const before = ended(repository(), stored('main@sha1:a'));
  const object = repository(before);
  const status = ended(object, failed(unreachable));
  assert.deepEqual(said(status), [
    'Reconciling=True ProgressingWithRetry reconciliation in progress',
    'Ready=False GitOperationFailed no route',
    "ArtifactInStorage=True Succeeded stored artifact for revision 'main@sha1:a'",
    'FetchFailed=True GitOperationFailed no route',
  ]);
  assert.equal(status.artifact?.revision, 'main@sha1:a');
  assert.deepEqual(ended(repository(status), failed(unreachable)), status, 'nothing new to write');

  const recovered = ended(repository(status), stored('main@sha1:a'));
  assert.equal(hasFailed(repository(status)), true);
  assert.equal(hasFailed(repository(recovered)), false);
  assert.deepEqual(said(recovered), said(before));
});

test('a failure to store a newer revision marks the artifact as outdated', () => {
  const object = repository(ended(repository(), stored('main@sha1:a')));
  const full = failureOf('ArchiveOperationFailed', 'full', STORAGE_OPERATION_FAILED);
  const outdated = (report: Report) =>
    asOutdated(report, object, "new upstream revision 'main@sha1:b'");
  assert.deepEqual(said(ended(object, outdated, failed(full))), [
    "Reconciling=True ProgressingWithRetry building artifact: new upstream revision 'main@sha1:b'",
    'Ready=False ArchiveOperationFailed full',
    "ArtifactInStorage=True Succeeded stored artifact for revision 'main@sha1:a'",
    "ArtifactOutdated=True NewRevision new upstream revision 'main@sha1:b'",
    'StorageOperationFailed=True ArchiveOperationFailed full',
  ]);
});

test('an artifact that the store lost is made again', () => {
  const object = repository(ended(repository(), stored('main@sha1:a')));
  assert.ok(
    said(ended(object, asLost, failed(unreachable))).includes(
      'Reconciling=True ProgressingWithRetry building artifact: disappeared from storage',
    ),
  );
});

test('a new generation that fails is not observed', () => {
  const object = repository(ended(repository(), stored('main@sha1:a')), 2);
  const status = ended(object, failed(unreachable));
  assert.equal(status.observedGeneration, 1);
  const processing = 'processing object: new generation 1 -> 2';
  assert.ok(said(status).includes(`Reconciling=True ProgressingWithRetry ${processing}`));
});

test('stalled: observed, and nothing goes on', () => {
  const failure = failureOf('UnsupportedField', 'spec.verify', undefined, true);
  const status = ended(repository({ observedGeneration: -1 }), failed(failure));
  assert.deepEqual(said(status), [
    'Stalled=True UnsupportedField spec.verify',
    'Ready=False UnsupportedField spec.verify',
  ]);
  assert.equal(status.observedGeneration, 1);
  const invalid = failureOf('URLInvalid', 'bad', FETCH_FAILED, true);
  const conditions = said(ended(repository(), failed(invalid)));
  assert.ok(conditions.includes('FetchFailed=True URLInvalid bad'));
});

test('the start of a run is of interest when there is no artifact yet', () => {
  const done = repository(ended(repository(), stored('r')));
  assert.equal(isAwaited(done), false);
  assert.equal(isAwaited(repository({ observedGeneration: 1 })), true);
});
