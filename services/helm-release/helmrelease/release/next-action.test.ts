// The next action for each state of the storage and each spec. Failures are in next-after-failure.test.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide, inSync, table } from './testing/table.ts';
import { CHART, snapshot, stored } from './testing/values.ts';

const history = [snapshot()];

table('what storage says', [
  ['nothing there', {}, 'Absent -> install'],
  ['deleted by somebody', { status: { history } }, 'Absent -> install'],
  ['uninstalled, unknown', { last: stored(1, 'uninstalled') }, 'Absent -> install'],
  [
    'uninstalled, known',
    { last: stored(1, 'uninstalled'), status: { history: [snapshot(1, 'uninstalled')] } },
    'Absent -> install',
  ],
  ['a release of somebody else', { last: stored() }, 'Unmanaged -> upgrade'],
  [
    'changed by somebody',
    { last: stored(1, 'deployed', { digest: 'sha256:other' }), status: { history } },
    'Unmanaged -> upgrade []',
  ],
  ['upgraded by the helm CLI', { last: stored(2), status: { history } }, 'Unmanaged -> upgrade []'],
  [
    'a snapshot of an older Flux',
    {
      last: stored(1, 'deployed', { digest: 'sha256:other' }),
      status: { history: [snapshot(1, 'deployed', { apiVersion: 'v1' })], observedGeneration: 2 },
    },
    'InSync -> none',
  ],
  ['a pending install', { last: stored(1, 'pending-install') }, 'Locked -> unlock'],
  [
    'a pending upgrade of ours',
    { last: stored(2, 'pending-upgrade'), status: { history } },
    'Locked -> unlock',
  ],
  ['a pending rollback', { last: stored(3, 'pending-rollback') }, 'Locked -> unlock'],
  [
    'an uninstall that was killed',
    { last: stored(1, 'uninstalling'), status: { history } },
    'Uninstalling -> uninstall',
  ],
]);

test('a status that says nothing', () => {
  const last = stored(1, 'unknown');
  const status = { history: [snapshot(1, 'unknown')] };
  assert.throws(() => decide({ last, status }), {
    reason: 'StateError',
    message: "unable to determine state for release with status 'unknown'",
  });
});

const images = [{ kustomize: { images: [{ name: 'a', newTag: '2' }] } }];
table('what the spec says of a deployed release', [
  ['the same', inSync, 'InSync -> none'],
  ['another version', { ...inSync, chart: { ...CHART, version: '1.0.1' } }, 'OutOfSync -> upgrade'],
  ['another chart', { ...inSync, chart: { ...CHART, name: 'other' } }, 'OutOfSync -> upgrade'],
  ['other values', { ...inSync, config: 'sha256:other' }, 'OutOfSync -> upgrade'],
  [
    'the same values, merged over those before',
    {
      ...inSync,
      spec: { upgrade: { preserveValues: true } },
      config: 'sha256:asked',
      released: 'sha256:asked',
    },
    'InSync -> none',
  ],
  [
    'other values over those before',
    {
      ...inSync,
      spec: { upgrade: { preserveValues: true } },
      config: 'sha256:other',
      released: 'sha256:asked',
    },
    'OutOfSync -> upgrade',
  ],
  [
    'values that nothing is kept under',
    { ...inSync, config: 'sha256:asked', released: 'sha256:asked' },
    'OutOfSync -> upgrade',
  ],
  [
    'post-renderers with a new generation',
    { last: stored(), status: { history, observedGeneration: 1 }, spec: { postRenderers: images } },
    'OutOfSync -> upgrade',
  ],
  ['post-renderers without one', { ...inSync, spec: { postRenderers: images } }, 'InSync -> none'],
  [
    'common metadata with a new generation',
    {
      last: stored(),
      status: { history, observedGeneration: 1 },
      spec: { commonMetadata: { labels: { a: 'b' } } },
    },
    'OutOfSync -> upgrade',
  ],
  [
    'post-renderers that are gone',
    { last: stored(), status: { history, observedPostRenderersDigest: 'sha256:before' } },
    'OutOfSync -> upgrade',
  ],
  [
    'older versions that went well go',
    {
      last: stored(4),
      status: {
        history: [
          snapshot(4),
          snapshot(3, 'failed'),
          snapshot(2, 'superseded'),
          snapshot(1, 'superseded'),
        ],
        observedGeneration: 2,
      },
    },
    'InSync -> none [4,3,2]',
  ],
  [
    'under RetryOnFailure five stay',
    {
      last: stored(7),
      spec: { upgrade: { strategy: { name: 'RetryOnFailure' } } },
      status: {
        history: [7, 6, 5, 4, 3, 2].map((version) => snapshot(version)),
        lastAttemptedReleaseAction: 'upgrade',
        observedGeneration: 2,
      },
    },
    'InSync -> none [7,6,5,4,3]',
  ],
]);

const tests = { enable: true };
const tested = (phase: string) => [snapshot(1, 'deployed', { testHooks: { a: { phase } } })];
const attempted = { lastAttemptedReleaseAction: 'install', observedGeneration: 2 } as const;
table('tests', [
  ['not run yet', { ...inSync, spec: { test: tests } }, 'Untested -> test'],
  [
    'passed',
    {
      last: stored(),
      spec: { test: tests },
      status: { history: tested('Succeeded'), ...attempted },
    },
    'InSync -> none',
  ],
  [
    'still running',
    { last: stored(), spec: { test: tests }, status: { history: tested('Running'), ...attempted } },
    'Untested -> test',
  ],
  [
    'none to run',
    {
      last: stored(),
      spec: { test: tests },
      status: { history: [snapshot(1, 'deployed', { testHooks: {} })], ...attempted },
    },
    'InSync -> none',
  ],
  [
    'failed',
    {
      last: stored(),
      spec: { test: tests },
      status: { history: tested('Failed'), installFailures: 1, ...attempted },
    },
    'Failed -> stall RetriesExceeded: Failed to install after 1 attempt(s)',
  ],
  [
    'failed, with a retry',
    {
      last: stored(),
      spec: { test: tests, install: { remediation: { retries: 1 } } },
      status: { history: tested('Failed'), installFailures: 1, ...attempted },
    },
    'Failed -> uninstall',
  ],
  [
    'failed and ignored',
    {
      last: stored(),
      spec: { test: { ...tests, ignoreFailures: true } },
      status: { history: tested('Failed'), ...attempted },
    },
    'InSync -> none',
  ],
  [
    'failed and ignored by the install alone',
    {
      last: stored(),
      spec: { test: tests, install: { remediation: { ignoreTestFailures: true } } },
      status: { history: tested('Failed'), ...attempted },
    },
    'InSync -> none',
  ],
  [
    'failed, of a release that nothing was tried for',
    {
      last: stored(),
      spec: { test: tests },
      status: { history: tested('Failed'), observedGeneration: 2 },
    },
    'InSync -> none',
  ],
]);

const exhausted = {
  ...inSync.status,
  lastAttemptedReleaseAction: 'upgrade',
  upgradeFailures: 1,
} as const;
table('requests and retries where the release is deployed', [
  ['forced in sync', { ...inSync, forced: true }, 'InSync -> upgrade'],
  ['forced out of sync', { ...inSync, forced: true, config: 'other' }, 'OutOfSync -> upgrade'],
  [
    'out of sync with no retry left',
    { last: stored(), status: exhausted, config: 'other' },
    'OutOfSync -> stall RetriesExceeded: Failed to upgrade after 1 attempt(s)',
  ],
  [
    'out of sync with no retry left, forced',
    { last: stored(), status: exhausted, config: 'other', forced: true },
    'OutOfSync -> upgrade',
  ],
  [
    'what was rolled back is what the spec says now',
    {
      last: stored(3),
      status: {
        history: [snapshot(3), snapshot(2, 'failed'), snapshot(1, 'superseded')],
        lastAttemptedReleaseAction: 'upgrade',
        observedGeneration: 2,
      },
    },
    'InSync -> none',
  ],
  [
    'unlocking comes before what is forced',
    { last: stored(1, 'pending-install'), forced: true },
    'Locked -> unlock',
  ],
]);
