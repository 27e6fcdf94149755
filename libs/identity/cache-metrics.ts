// Metrics of the token cache, with Flux's names. They have no labels about objects, because one token is for all
// objects with the same account.
import type { CacheRecorder } from '@weir/async';
import type { Metrics } from '@weir/telemetry';

/** One recorder for all caches of a service, whose tokens are counted together. */
export function cacheRecorder(metrics: Pick<Metrics, 'counter' | 'gauge'>): CacheRecorder {
  const events = metrics.counter(
    'gotk_token_cache_events_total',
    'Tokens that were wanted, by whether they were kept.',
  );
  const requests = metrics.counter(
    'gotk_token_cache_requests_total',
    'Tokens that were made, by success or failure.',
  );
  const evictions = metrics.counter(
    'gotk_token_cache_evictions_total',
    'Tokens that were dropped for lack of room.',
  );
  const items = metrics.gauge('gotk_token_cached_items', 'Tokens that are kept.');
  let total = 0;
  items.set(total);
  return {
    wanted: (isKept) => events.add(1, { event_type: isKept ? 'cache_hit' : 'cache_miss' }),
    made: (isMade) => requests.add(1, { status: isMade ? 'success' : 'failure' }),
    grew(by) {
      total += by;
      items.set(total);
    },
    evicted: () => evictions.add(),
  };
}
