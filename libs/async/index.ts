export { type BoundedMap, type BoundedMapOptions, createBoundedMap } from './bounded-map.ts';
export {
  type CacheRecorder,
  createExpiringCache,
  type Expiring,
  type ExpiringCache,
  type ExpiringCacheOptions,
} from './expiring-cache.ts';
export { createFairLimit, type FairLimit } from './fair-limit.ts';
export { createFairLine, type FairLine, type FairLineOptions } from './fair-line.ts';
export { isTimeout } from './is-timeout.ts';
export { createKeyedLimit, createLimit, type KeyedLimit, type Limit } from './limit.ts';
export { mapBounded } from './map-bounded.ts';
export { orAborted } from './or-aborted.ts';
export { createSerial, type Serial } from './serial.ts';
export { createFreshFlight, createSingleFlight, type SingleFlight } from './single-flight.ts';
