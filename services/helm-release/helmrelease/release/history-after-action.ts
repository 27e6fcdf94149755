// Updates the history with the versions that an action has written to Helm's storage, as Flux does.
import type { ReleaseSnapshot } from '@weir/api';
import {
  findVersion,
  type History,
  latest,
  selectTests,
  snapshotOf,
  withSnapshot,
} from './history.ts';
import type { StoredRelease } from './types.ts';

type Filters = Parameters<typeof selectTests>[1];

/** After an install or upgrade: the new version comes first, and the version before it is updated from storage. */
export function afterRelease(
  history: History,
  [newest, ...others]: readonly StoredRelease[],
  { action, ociDigest }: { action: 'install' | 'upgrade'; ociDigest: string | undefined },
): ReleaseSnapshot[] {
  if (newest === undefined) return [...history];
  const known = others.find((release) => findVersion(history, release) !== undefined);
  const seen = known === undefined ? [...history] : again(history, known, undefined);
  return withSnapshot(seen, snapshotOf(newest, { action, ociDigest }));
}

/** After a rollback or an uninstall: written versions are updated, and a new version is added. */
export function afterRemediation(
  history: History,
  releases: readonly StoredRelease[],
  action: 'rollback' | 'uninstall' | 'uninstall-remediation',
): ReleaseSnapshot[] {
  return releases.reduce<ReleaseSnapshot[]>(
    (seen, release) => {
      if (findVersion(seen, release) !== undefined) return again(seen, release, action);
      return action === 'rollback' ? withSnapshot(seen, snapshotOf(release, { action })) : seen;
    },
    [...history],
  );
}

/** After tests: the results of those tests of the latest version that the filters select. */
export function afterTests(
  history: History,
  releases: readonly StoredRelease[],
  filters: Filters,
): ReleaseSnapshot[] {
  const current = latest(history);
  const tested = releases.find((release) => findVersion(history, release) === current);
  if (current === undefined || tested === undefined) return [...history];
  const { action, ociDigest } = current;
  const tests = selectTests(tested.tests, filters);
  return withSnapshot(history, snapshotOf(tested, { action, ociDigest, tests }));
}

/** After a pending version was unlocked. */
export function afterUnlock(
  history: History,
  releases: readonly StoredRelease[],
): ReleaseSnapshot[] {
  return releases.reduce<ReleaseSnapshot[]>(
    (seen, release) => {
      const before = findVersion(seen, release);
      if (before === undefined) return seen;
      const { action, ociDigest } = before;
      return withSnapshot(seen, snapshotOf(release, { action, ociDigest }));
    },
    [...history],
  );
}

function again(
  history: History,
  release: StoredRelease,
  action: string | undefined,
): ReleaseSnapshot[] {
  const { ociDigest, testHooks: tests } = findVersion(history, release) ?? {};
  return withSnapshot(history, snapshotOf(release, { action, ociDigest, tests }));
}
