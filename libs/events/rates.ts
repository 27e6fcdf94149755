import { createBoundedMap } from '@weir/async';

/** Takes `bytes` from what a namespace may publish now; false when less than that is left. */
export type TakeShare = (namespace: string, bytes: number) => boolean;

/**
 * What a namespace may publish: 16 MiB at once (some ten thousand usual events), and then 20 KiB/s (some thirteen a
 * second). A namespace that uses all of it needs 15 hours to fill a stream of 1 GiB, and ten such namespaces an hour
 * and a half, if nobody reads the events.
 */
export const SHARE = { burstBytes: 16 * 1024 ** 2, bytesPerSecond: 20 * 1024 };
/** Namespaces that are remembered; when there are more, a forgotten one starts with a full share again. */
const MAX_NAMESPACES = 20_000;

interface Bucket {
  bytes: number;
  atMs: number;
}

/** A token bucket of bytes for each namespace. */
export function createShares(now: () => number = () => performance.now()): TakeShare {
  const buckets = createBoundedMap<string, Bucket>({ max: MAX_NAMESPACES });
  return (namespace, bytes) => {
    const { burstBytes, bytesPerSecond } = SHARE;
    const atMs = now();
    const before = buckets.get(namespace) ?? { bytes: burstBytes, atMs };
    const refilled = before.bytes + ((atMs - before.atMs) / 1_000) * bytesPerSecond;
    const left = Math.min(burstBytes, refilled);
    const enough = bytes <= left;
    buckets.set(namespace, { bytes: enough ? left - bytes : left, atMs });
    return enough;
  };
}
