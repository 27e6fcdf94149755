// A table of what is decided: each row is a state of a release, and what comes next.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HelmReleaseSpec } from '@weir/api';
import { nextAction } from '../next-action.ts';
import { releaseState, type WorkingStatus } from '../state.ts';
import type { StoredRelease } from '../types.ts';
import { CHART, CONFIG, helmRelease, snapshot, stored } from './values.ts';

export interface Row {
  last?: StoredRelease;
  spec?: Partial<HelmReleaseSpec>;
  status?: WorkingStatus;
  chart?: { name: string; version: string };
  config?: string;
  /** Digest of the values that the present release was asked for with. */
  released?: string;
  forced?: boolean;
  retryByDefault?: boolean;
  /** Versions that storage holds as the history says; all of them unless given. */
  intact?: number[];
}

/** `<state> -> <action>`, with the versions that remain of the history where that changes. */
export function decide(row: Row): string {
  const { last, spec, status = {}, chart = CHART, config: configDigest = CONFIG } = row;
  const object = helmRelease(spec);
  const state = releaseState(object, status, {
    ...{ last, chart, configDigest, releasedDigest: row.released },
  });
  const next = nextAction(object, status, state, {
    forced: row.forced ?? false,
    retryByDefault: row.retryByDefault ?? false,
    isIntact: ({ version }) => row.intact?.includes(version) ?? true,
  });
  const action =
    next.action === 'rollback'
      ? `rollback to ${next.to.version}`
      : next.action === 'stall'
        ? `stall ${next.reason}: ${next.message}`
        : next.action;
  const kept = next.history?.map(({ version }) => version);
  const before = status.history?.map(({ version }) => version) ?? [];
  const history = kept === undefined || `${kept}` === `${before}` ? '' : ` [${kept}]`;
  return `${state.name} -> ${action}${history}`;
}

export function table(
  name: string,
  rows: readonly [title: string, row: Row, expected: string][],
): void {
  test(name, async (t) => {
    for (const [title, row, expected] of rows) {
      await t.test(title, () => assert.equal(decide(row), expected));
    }
  });
}

export const inSync = {
  last: stored(),
  status: { history: [snapshot()], observedGeneration: 2 },
} satisfies Row;

/** The second version failed as an upgrade, once. */
export const failedUpgrade: Row & { status: WorkingStatus } = {
  last: stored(2, 'failed'),
  status: {
    history: [snapshot(2, 'failed'), snapshot(1)],
    lastAttemptedReleaseAction: 'upgrade',
    upgradeFailures: 1,
  },
};

export const failedInstall: Row & { status: WorkingStatus } = {
  last: stored(1, 'failed'),
  status: {
    history: [snapshot(1, 'failed')],
    lastAttemptedReleaseAction: 'install',
    installFailures: 1,
  },
};
