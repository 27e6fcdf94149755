import { createBoundedMap } from '@weir/async';

/** Whether something may be done once more now for this key. */
export type TakeTurn = (key: string) => boolean;

/** Keys that are remembered: a client with more keys than that starts anew. */
const MAX_KEYS = 20_000;

/** A token bucket for each key: `burst` at once, and then `perSecond`. */
export function createRates(
  { burst, perSecond }: { burst: number; perSecond: number },
  now: () => number = () => performance.now(),
): TakeTurn {
  const buckets = createBoundedMap<string, { tokens: number; atMs: number }>({ max: MAX_KEYS });
  return (key) => {
    const atMs = now();
    const before = buckets.get(key) ?? { tokens: burst, atMs };
    const tokens = Math.min(burst, before.tokens + ((atMs - before.atMs) / 1_000) * perSecond);
    buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, atMs });
    return tokens >= 1;
  };
}
