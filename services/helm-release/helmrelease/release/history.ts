// `status.history`: what the versions of a release were like when they were seen last. All functions return new lists.
import { formatTime, type HelmRelease, type ReleaseSnapshot, type TestHookStatus } from '@weir/api';
import type { StoredRelease } from './types.ts';

export type History = readonly ReleaseSnapshot[];
type Filters = NonNullable<NonNullable<HelmRelease['spec']['test']>['filters']>;
type Tests = Record<string, TestHookStatus>;

const SNAPSHOT_VERSION = 'v2';
/** As many as Flux keeps where nothing older is worth keeping. */
const MAX_HISTORY = 5;

/** The snapshot of a release that was just seen. `before` is the one that it takes the place of. */
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

/** The version before the latest that went well: what a failed upgrade is rolled back to. */
export function previousGood(history: History, ignoreTests: boolean): ReleaseSnapshot | undefined {
  return sorted(history)
    .slice(1)
    .find((snapshot) => isGood(snapshot, ignoreTests));
}

/** Keeps the latest and the last good one before it; without a good one, five. */
export function truncated(history: History, ignoreTests: boolean): ReleaseSnapshot[] {
  const all = sorted(history);
  if (all.length < 2) return all;
  const good = all.findIndex((snapshot, index) => index > 0 && isGood(snapshot, ignoreTests));
  return good > 0 ? all.slice(0, good + 1) : all.slice(0, MAX_HISTORY);
}

/** Keeps five, whatever became of them. */
export function newestOnly(history: History): ReleaseSnapshot[] {
  return sorted(history).slice(0, MAX_HISTORY);
}

/** Puts a snapshot into the place of the one of the same version, or before all others. */
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
 * Whether storage holds what the snapshot says. Snapshots of older versions of Flux have digests that nothing is compared
 * with, and are taken at their word.
 */
export function isVerified(snapshot: ReleaseSnapshot, stored: StoredRelease | undefined): boolean {
  if (stored === undefined) return false;
  return snapshot.apiVersion !== SNAPSHOT_VERSION || snapshot.digest === stored.digest;
}

/** Whether all tests that were selected ran: one that failed ends them. */
export function isTested({ testHooks }: ReleaseSnapshot): boolean {
  if (testHooks === undefined) return false;
  const phases = Object.values(testHooks).map(({ phase }) => phase);
  return phases.includes('Failed') || phases.every((phase) => phase === 'Succeeded');
}

export function hasFailedTest({ testHooks = {} }: ReleaseSnapshot): boolean {
  return Object.values(testHooks).some(({ phase }) => phase === 'Failed');
}

/** The tests that the filters select: those that are named, or all but those that are excluded. */
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
