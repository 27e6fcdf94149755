// The name and place of a release, and the time limits of its actions, with Flux's defaults.
import { createHash } from 'node:crypto';
import { type HelmRelease, parseDuration } from '@weir/api';

const DEFAULT_TIMEOUT_MS = 300_000;
const DEFAULT_RETRY_INTERVAL_MS = 300_000;
/** The longest delay of a timer in Node (24 days); with a longer one the timer fires at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
const MAX_NAME = 53;
const HASH_LENGTH = 12;

/** The place of a release and of its storage. */
export interface ReleaseTarget {
  /** At most 53 characters, as in Helm. */
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

/** The name in messages, of any length. */
export function fullReleaseName({ metadata, spec }: HelmRelease): string {
  if (spec.releaseName) return spec.releaseName;
  return spec.targetNamespace ? `${spec.targetNamespace}-${metadata.name}` : metadata.name;
}

/** A name that is too long for Helm is cut, and the beginning of its hash is appended. */
export function shortName(name: string): string {
  if (name.length <= MAX_NAME) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, HASH_LENGTH);
  return `${name.slice(0, MAX_NAME - HASH_LENGTH - 1)}-${hash}`;
}

export type TimedAction = 'install' | 'upgrade' | 'test' | 'rollback' | 'uninstall';

/** The time limit of one operation of an action, in ms; without an action, of other operations. */
export function timeoutMs({ spec }: HelmRelease, action?: TimedAction): number {
  const own = action === undefined ? undefined : spec[action]?.timeout;
  const wanted = own ?? spec.timeout;
  const ms = wanted === undefined ? DEFAULT_TIMEOUT_MS : parseDuration(wanted);
  return Math.min(ms, MAX_TIMEOUT_MS);
}

/** The pause between two attempts of the strategy `RetryOnFailure`, in ms. */
export function retryIntervalMs(interval: string | undefined): number {
  return interval === undefined ? DEFAULT_RETRY_INTERVAL_MS : parseDuration(interval);
}
