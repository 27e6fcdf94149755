// `status.history`: the last seen states of a release's versions. All functions return new lists.
import { formatTime, type HelmRelease, type ReleaseSnapshot, type TestHookStatus } from '@weir/api';
import type { StoredRelease } from './types.ts';

export type History = readonly ReleaseSnapshot[];
type Filters = NonNullable<NonNullable<HelmRelease['spec']['test']>['filters']>;
type Tests = Record<string, TestHookStatus>;

const SNAPSHOT_VERSION = 'v2';
/** The number that Flux keeps when there is no older successful version. */
const MAX_HISTORY = 5;

/** The snapshot of a release that was just read. `before` is the one that it replaces. */
export function snapshotOf(
  release: StoredRelease,
  {
    action,
    ociDigest,
    tests,
  }: { action?: string | undefined; ociDigest?: string | undefined; tests?: Tests | undefined },
): ReleaseSnapshot {
  const { info, chart } = release;
  const time = (text: string | undefined) => formatTime(new Date(text ?? 0));
  return {
    apiVersion: SNAPSHOT_VERSION,
    digest: release.digest,
    name: release.name,
    namespace: release.namespace,
    version: release.version,
    status: info.status,
    ...(action ? { action } : {}),
    chartName: chart.name,
    chartVersion: chart.version,
    ...(chart.appVersion ? { appVersion: chart.appVersion } : {}),
    configDigest: release.configDigest,
    firstDeployed: time(info.firstDeployed),
    lastDeployed: time(info.lastDeployed),
    ...(info.deleted === undefined ? {} : { deleted: time(info.deleted) }),
    ...(tests === undefined ? {} : { testHooks: tests }),
    ...(ociDigest ? { ociDigest } : {}),
  };
}

export function latest(history: History): ReleaseSnapshot | undefined {
  return sorted(history)[0];
}

/** The last successful version before the latest: the target of a rollback after a failed upgrade. */
export function previousGood(history: History, ignoreTests: boolean): ReleaseSnapshot | undefined {
  return sorted(history)
    .slice(1)
    .find((snapshot) => isGood(snapshot, ignoreTests));
}

/** Keeps the versions from the latest to the last successful one before it; without such a one, five. */
export function truncated(history: History, ignoreTests: boolean): ReleaseSnapshot[] {
  const all = sorted(history);
  if (all.length < 2) return all;
  const good = all.findIndex((snapshot, index) => index > 0 && isGood(snapshot, ignoreTests));
  return good > 0 ? all.slice(0, good + 1) : all.slice(0, MAX_HISTORY);
}

/** Keeps five, whatever their states. */
export function newestOnly(history: History): ReleaseSnapshot[] {
  return sorted(history).slice(0, MAX_HISTORY);
}

/** Replaces the snapshot of the same version, or adds one in front of all others. */
export function withSnapshot(history: History, snapshot: ReleaseSnapshot): ReleaseSnapshot[] {
  const others = history.filter((other) => !isSameVersion(other, snapshot));
  return sorted([snapshot, ...others]);
}

export function findVersion(
  history: History,
  release: Pick<StoredRelease, 'name' | 'namespace' | 'version'>,
): ReleaseSnapshot | undefined {
  return history.find((snapshot) => isSameVersion(snapshot, release));
}

/**
 * Whether the version in storage matches the snapshot. Snapshots of older versions of Flux have digests that can't be
 * compared, and count as matching.
 */
export function isVerified(snapshot: ReleaseSnapshot, stored: StoredRelease | undefined): boolean {
  if (stored === undefined) return false;
  return snapshot.apiVersion !== SNAPSHOT_VERSION || snapshot.digest === stored.digest;
}

/** Whether all selected tests ran: a failed test ends them. */
export function isTested({ testHooks }: ReleaseSnapshot): boolean {
  if (testHooks === undefined) return false;
  const phases = Object.values(testHooks).map(({ phase }) => phase);
  return phases.includes('Failed') || phases.every((phase) => phase === 'Succeeded');
}

export function hasFailedTest({ testHooks = {} }: ReleaseSnapshot): boolean {
  return Object.values(testHooks).some(({ phase }) => phase === 'Failed');
}

/** The tests that the filters select: the included ones, or all that are not excluded. */
export function selectTests(tests: Tests, filters: Filters = []): Tests {
  const excluded = new Set(filters.flatMap(({ name, exclude }) => (exclude ? name : [])));
  const named = new Set(filters.flatMap(({ name, exclude }) => (exclude ? [] : name)));
  return Object.fromEntries(
    Object.entries(tests).filter(
      ([name]) => !excluded.has(name) && (named.size === 0 || named.has(name)),
    ),
  );
}

/** `<namespace>/<name>.v<version>` */
export function releaseLabel({ namespace, name, version }: ReleaseSnapshot): string {
  return `${namespace}/${name}.v${version}`;
}

/** `<name>@<version>` */
export function chartLabel({ chartName, chartVersion }: ReleaseSnapshot): string {
  return `${chartName}@${chartVersion}`;
}

function isGood(snapshot: ReleaseSnapshot, ignoreTests: boolean): boolean {
  const isReleased = snapshot.status === 'deployed' || snapshot.status === 'superseded';
  return isReleased && (ignoreTests || !hasFailedTest(snapshot));
}

function isSameVersion(
  a: Pick<ReleaseSnapshot, 'name' | 'namespace' | 'version'>,
  b: Pick<ReleaseSnapshot, 'name' | 'namespace' | 'version'>,
): boolean {
  return a.name === b.name && a.namespace === b.namespace && a.version === b.version;
}

function sorted(history: History): ReleaseSnapshot[] {
  return [...history].sort((a, b) => b.version - a.version);
}
