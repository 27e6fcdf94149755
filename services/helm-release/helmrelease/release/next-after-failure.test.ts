// The next action after a failure, by the spec's settings for failures and by how many there were.

import { failedInstall, failedUpgrade, table } from './testing/table.ts';
import { snapshot, stored } from './testing/values.ts';

const retry = (retries: number, more: object = {}) => ({
  upgrade: { remediation: { retries, ...more } },
  install: { remediation: { retries, ...more } },
});
table('a failed upgrade', [
  [
    'without retries',
    failedUpgrade,
    'Failed -> stall RetriesExceeded: Failed to upgrade after 1 attempt(s)',
  ],
  ['with one left', { ...failedUpgrade, spec: retry(1) }, 'Failed -> rollback to 1'],
  [
    'the last one is remediated too',
    { ...failedUpgrade, status: { ...failedUpgrade.status, upgradeFailures: 2 }, spec: retry(1) },
    'Failed -> rollback to 1',
  ],
  [
    'the last one is not',
    {
      ...failedUpgrade,
      status: { ...failedUpgrade.status, upgradeFailures: 2 },
      spec: retry(1, { remediateLastFailure: false }),
    },
    'Failed -> stall RetriesExceeded: Failed to upgrade after 2 attempt(s)',
  ],
  [
    'without retries, the last one is',
    { ...failedUpgrade, spec: retry(0, { remediateLastFailure: true }) },
    'Failed -> rollback to 1',
  ],
  [
    'without end',
    {
      ...failedUpgrade,
      status: { ...failedUpgrade.status, upgradeFailures: 99 },
      spec: retry(-1, { remediateLastFailure: true }),
    },
    'Failed -> rollback to 1',
  ],
  [
    'by an uninstall',
    { ...failedUpgrade, spec: { upgrade: { remediation: { retries: 1, strategy: 'uninstall' } } } },
    'Failed -> uninstall',
  ],
  [
    'nothing good before it',
    {
      last: stored(2, 'failed'),
      spec: retry(1),
      status: {
        ...failedUpgrade.status,
        history: [snapshot(2, 'failed'), snapshot(1, 'failed')],
      },
    },
    'Failed -> stall MissingRollbackTarget: Failed to perform remediation: missing target release for rollback: cannot remediate failed release',
  ],
  [
    'one before it whose tests failed',
    {
      last: stored(3, 'failed'),
      spec: retry(1),
      status: {
        ...failedUpgrade.status,
        history: [
          snapshot(3, 'failed'),
          snapshot(2, 'superseded', { testHooks: { a: { phase: 'Failed' } } }),
          snapshot(1, 'superseded'),
        ],
      },
    },
    'Failed -> rollback to 1',
  ],
  [
    'what is gone back to was changed',
    { ...failedUpgrade, spec: retry(1), intact: [2] },
    'Failed -> upgrade',
  ],
  [
    'something has changed since',
    { ...failedUpgrade, status: { ...failedUpgrade.status, upgradeFailures: 0 } },
    'Failed -> upgrade',
  ],
  [
    'of a release that nothing was tried for',
    { last: stored(2, 'failed'), status: { history: [snapshot(2, 'failed')] } },
    'Failed -> upgrade',
  ],
  ['forced', { ...failedUpgrade, forced: true }, 'Failed -> upgrade'],
]);

table('a failed install', [
  [
    'without retries',
    failedInstall,
    'Failed -> stall RetriesExceeded: Failed to install after 1 attempt(s)',
  ],
  ['with one left', { ...failedInstall, spec: retry(1) }, 'Failed -> uninstall'],
  [
    'the last one stays',
    { ...failedInstall, spec: retry(1), status: { ...failedInstall.status, installFailures: 2 } },
    'Failed -> stall RetriesExceeded: Failed to install after 2 attempt(s)',
  ],
  [
    'the last one goes',
    { ...failedInstall, spec: retry(0, { remediateLastFailure: true }) },
    'Failed -> uninstall',
  ],
  [
    'which was uninstalled, with one left',
    {
      spec: retry(1),
      status: { ...failedInstall.status, history: [snapshot(1, 'uninstalled')] },
    },
    'Absent -> install',
  ],
  [
    'which was uninstalled, with none left',
    { status: { ...failedInstall.status, history: [snapshot(1, 'uninstalled')] } },
    'Absent -> stall RetriesExceeded: Failed to install after 1 attempt(s)',
  ],
  [
    'which was uninstalled, with none left, forced',
    { forced: true, status: { ...failedInstall.status, history: [snapshot(1, 'uninstalled')] } },
    'Absent -> install',
  ],
]);

const retrying = {
  install: { strategy: { name: 'RetryOnFailure' } },
  upgrade: { strategy: { name: 'RetryOnFailure' } },
} as const;
const limited = (retries: number) => ({
  upgrade: { ...retrying.upgrade, remediation: { retries } },
});
table('RetryOnFailure', [
  [
    'an install is tried again as an upgrade',
    { ...failedInstall, spec: retrying },
    'Failed -> upgrade',
  ],
  ['an upgrade', { ...failedUpgrade, spec: retrying }, 'Failed -> upgrade'],
  [
    'where the spec chooses nothing',
    { ...failedUpgrade, retryByDefault: true },
    'Failed -> upgrade',
  ],
  [
    'the spec chooses otherwise',
    {
      ...failedUpgrade,
      retryByDefault: true,
      spec: { upgrade: { strategy: { name: 'RemediateOnFailure' }, remediation: { retries: 1 } } },
    },
    'Failed -> rollback to 1',
  ],
  [
    'up to its retries',
    {
      ...failedUpgrade,
      status: { ...failedUpgrade.status, upgradeFailures: 3 },
      spec: limited(3),
    },
    'Failed -> upgrade',
  ],
  [
    'beyond its retries',
    {
      ...failedUpgrade,
      status: { ...failedUpgrade.status, installFailures: 1, upgradeFailures: 3 },
      spec: limited(3),
    },
    'Failed -> stall RetriesExceeded: Failed to upgrade after 4 attempt(s)',
  ],
  [
    'beyond its retries, forced',
    {
      ...failedUpgrade,
      forced: true,
      status: { ...failedUpgrade.status, upgradeFailures: 9 },
      spec: limited(3),
    },
    'Failed -> upgrade',
  ],
]);
