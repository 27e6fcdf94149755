// What a release is called and where it is, and how long its actions may take: Flux's defaults.
import { createHash } from 'node:crypto';
import { type HelmRelease, parseDuration } from '@weir/api';

const DEFAULT_TIMEOUT_MS = 300_000;
const DEFAULT_RETRY_INTERVAL_MS = 300_000;
/** A timer of Node counts no further (24 days), and ends at once when it is asked to. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
const MAX_NAME = 53;
const HASH_LENGTH = 12;

/** Where a release is, and where Helm's storage of it is. */
export interface ReleaseTarget {
  /** As Helm has it: 53 characters at most. */
  name: string;
  namespace: string;
  storageNamespace: string;
}

export function releaseTarget(object: HelmRelease): ReleaseTarget {
  const { namespace = '' } = object.metadata;
  return {
    name: shortName(fullReleaseName(object)),
    namespace: object.spec.targetNamespace || namespace,
    storageNamespace: object.spec.storageNamespace || namespace,
  };
}

/** The name as messages have it, however long. */
export function fullReleaseName({ metadata, spec }: HelmRelease): string {
  if (spec.releaseName) return spec.releaseName;
  return spec.targetNamespace ? `${spec.targetNamespace}-${metadata.name}` : metadata.name;
}

/** What Helm doesn't take is cut, with the beginning of its hash behind it. */
export function shortName(name: string): string {
  if (name.length <= MAX_NAME) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, HASH_LENGTH);
  return `${name.slice(0, MAX_NAME - HASH_LENGTH - 1)}-${hash}`;
}

export type TimedAction = 'install' | 'upgrade' | 'test' | 'rollback' | 'uninstall';

/** How long one operation of an action may take, in ms; without an action, of anything else. */
export function timeoutMs({ spec }: HelmRelease, action?: TimedAction): number {
  const own = action === undefined ? undefined : spec[action]?.timeout;
  const wanted = own ?? spec.timeout;
  const ms = wanted === undefined ? DEFAULT_TIMEOUT_MS : parseDuration(wanted);
  return Math.min(ms, MAX_TIMEOUT_MS);
}

/** Between two tries of the strategy `RetryOnFailure`, in ms. */
export function retryIntervalMs(interval: string | undefined): number {
  return interval === undefined ? DEFAULT_RETRY_INTERVAL_MS : parseDuration(interval);
}
