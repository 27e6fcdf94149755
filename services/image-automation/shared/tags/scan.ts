// Lists the tags of images once for all objects that name the same image with the same credentials, whatever each of
// them excludes.
import {
  createBoundedMap,
  createFairLimit,
  createLimit,
  type FairLimit,
  type Limit,
  orAborted,
} from '@weir/async';
import { OciError, type PageValidator, type Registry, type Repository } from '@weir/oci';
import type { RenderPool } from '@weir/render';
import { type Exclusion, type Found, type ListLimits, listTags } from './listing.ts';
import type { PackedTags } from './packed.ts';

/** The request of an object. */
export interface Wanted {
  /** The namespace of the object that asks. Shared work counts for the namespace that asked first. */
  tenant: string;
  repository: Repository;
  registry: Registry;
  /** Represents the registry and the credentials. */
  accessKey: string;
  /** `spec.exclusionList`. */
  exclusionList: readonly string[];
  /** How long the object waits for a listing that has begun, in ms. */
  timeoutMs: number;
}

export interface Scanner {
  /**
   * The tags, from a listing that began at most `maxAgeMs` ago; with 0 never before the call.
   * @throws OciError, RenderError; the signal's reason
   */
  scan(wanted: Wanted, maxAgeMs: number, signal: AbortSignal): Promise<PackedTags>;
}

export interface ScannerOptions {
  pool: RenderPool;
  limits: ListLimits;
  /** Listings at a time. */
  listings: number;
  /** Bytes of packed tags that are kept for other objects with the same image. */
  keptBytes: number;
  /** Ends all listings. */
  signal: AbortSignal;
  /** The monotonic clock, in ms. */
  now?(): number;
}

/** The last result for an image. */
interface Kept {
  askedAt: number;
  /** By exclusion. */
  found: Map<string, PackedTags>;
  exclusions: Map<string, Exclusion>;
  validators: PageValidator[] | undefined;
}

/** A listing that is under way or waits for its slot. Until it begins, further objects may join it. */
interface Flight {
  exclusions: Map<string, Exclusion>;
  /** Resolves when the listing has its slot. */
  begun: PromiseWithResolvers<void>;
  begunAt: number | undefined;
  result: Promise<Map<string, Found>>;
  waiters: number;
  stop: AbortController;
}

/** Exclusions that one listing of an image applies. */
const MAX_EXCLUSIONS = 16;
/** The time limit of a listing, in ms. */
const MAX_LISTING_MS = 10 * 60_000;
const LARGE_LISTS = 4;

export function createScanner(options: ScannerOptions): Scanner {
  const { pool, limits, keptBytes, now = () => performance.now() } = options;
  const kept = createBoundedMap<string, Kept>({ max: keptBytes, weigh: bytesOf });
  /** Listings of one image run one after the other, in this order. */
  const flights = new Map<string, Flight[]>();
  const slots: FairLimit = createFairLimit(options.listings);
  const large: FairLimit = createFairLimit(LARGE_LISTS);
  const sorting: Limit = createLimit(1);

  /** A flight that has not begun and has room for the exclusion, or one that began late enough and has it. */
  function flightOf(key: string, wanted: Wanted, earliest: number): Flight {
    const exclusionKey = keyOf(wanted);
    const flying = flights.get(key) ?? [];
    const fits = ({ stop, begunAt, exclusions }: Flight) => {
      if (stop.signal.aborted) return false;
      if (exclusions.has(exclusionKey)) return begunAt === undefined || begunAt >= earliest;
      return begunAt === undefined && exclusions.size < MAX_EXCLUSIONS;
    };
    const flight = flying.find(fits) ?? start(key, wanted, flying.at(-1));
    if (flight.begunAt === undefined) {
      const exclusion = { patterns: wanted.exclusionList, tenant: wanted.tenant };
      flight.exclusions.set(exclusionKey, exclusion);
    }
    return flight;
  }

  function start(key: string, wanted: Wanted, last: Flight | undefined): Flight {
    const stop = new AbortController();
    const flight: Flight = {
      exclusions: new Map(),
      begun: Promise.withResolvers<void>(),
      begunAt: undefined,
      result: Promise.resolve(new Map()),
      waiters: 0,
      stop,
    };
    const signal = AbortSignal.any([options.signal, stop.signal]);
    const fly = () =>
      slots.run(
        wanted.tenant,
        () => {
          flight.begunAt = now();
          flight.begun.resolve();
          return list(key, wanted, flight, signal);
        },
        signal,
      );
    flights.set(key, [...(flights.get(key) ?? []), flight]);
    flight.result = (last?.result ?? Promise.resolve()).then(fly, fly).finally(() => {
      // Callers that wait for a flight that never begins get its result.
      flight.begun.resolve();
      const others = (flights.get(key) ?? []).filter((one) => one !== flight);
      if (others.length > 0) flights.set(key, others);
      else flights.delete(key);
    });
    flight.result.catch(() => undefined);
    return flight;
  }

  async function list(
    key: string,
    { registry, repository, tenant }: Wanted,
    flight: Flight,
    stop: AbortSignal,
  ): Promise<Map<string, Found>> {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(MAX_LISTING_MS)]);
    const before = kept.get(key);
    const { name } = repository;
    const askedAt = now();
    if (before?.validators && [...flight.exclusions.keys()].every((it) => before.found.has(it))) {
      if (await registry.tagsUnchanged(name, before.validators, signal)) {
        kept.set(key, { ...before, askedAt });
        return new Map([...before.found].map(([exclusion, tags]) => [exclusion, { tags }]));
      }
    }
    // Exclusions that objects used before will be used again.
    for (const [exclusionKey, exclusion] of before?.exclusions ?? []) {
      if (flight.exclusions.size >= MAX_EXCLUSIONS) break;
      if (!flight.exclusions.has(exclusionKey)) flight.exclusions.set(exclusionKey, exclusion);
    }
    const exclusions = new Map(flight.exclusions);
    const { found, validators } = await listTags({
      ...{ registry, name, pool, limits, large, sorting, tenant, signal },
      exclusions: [...exclusions].map(([exclusionKey, exclusion]) => ({
        ...exclusion,
        known: before?.found.get(exclusionKey),
      })),
    });
    const byExclusion = new Map([...exclusions.keys()].map((it, at) => [it, foundAt(found, at)]));
    kept.set(key, { askedAt, found: tagsOf(byExclusion), exclusions, validators });
    return byExclusion;
  }

  return {
    async scan(wanted, maxAgeMs, signal) {
      const key = `${wanted.accessKey}/${wanted.repository.name}`;
      const exclusionKey = keyOf(wanted);
      const earliest = now() - maxAgeMs;
      const known = kept.get(key);
      const tags = known?.found.get(exclusionKey);
      if (known !== undefined && tags !== undefined && maxAgeMs > 0 && known.askedAt > earliest) {
        return tags;
      }
      const flight = flightOf(key, wanted, maxAgeMs > 0 ? earliest : Number.POSITIVE_INFINITY);
      flight.waiters += 1;
      try {
        await orAborted(flight.begun.promise, signal);
        const found = await inTime(flight.result, wanted, signal);
        const own = found.get(exclusionKey);
        if (own === undefined) throw new Error('the listing lacks what it was asked for');
        if ('error' in own) throw own.error;
        return own.tags;
      } finally {
        flight.waiters -= 1;
        if (flight.waiters === 0) flight.stop.abort();
      }
    },
  };
}

/** Each object waits as long as its own spec says; a short time of one object doesn't end the listing for others. */
async function inTime<T>(
  result: Promise<T>,
  { repository, timeoutMs }: Wanted,
  signal: AbortSignal,
): Promise<T> {
  const timeout = AbortSignal.timeout(Math.min(timeoutMs, MAX_LISTING_MS));
  try {
    return await orAborted(result, AbortSignal.any([signal, timeout]));
  } catch (cause) {
    if (!timeout.aborted || cause !== timeout.reason) throw cause;
    const what = `listing the tags of ${repository.registry}/${repository.name}`;
    throw new OciError('Timeout', `${what}: context deadline exceeded`, { cause });
  }
}

function keyOf({ exclusionList }: Wanted): string {
  return JSON.stringify(exclusionList);
}

function foundAt(found: readonly Found[], index: number): Found {
  return found[index] ?? { error: new Error('the listing has no result') };
}

function tagsOf(found: ReadonlyMap<string, Found>): Map<string, PackedTags> {
  const entries = [...found].flatMap(([exclusion, one]) =>
    'tags' in one ? [[exclusion, one.tags] as const] : [],
  );
  return new Map(entries);
}

function bytesOf({ found }: Kept): number {
  const bytes = [...found.values()].map(({ packed }) => packed.length + 512);
  return bytes.reduce((sum, one) => sum + one, 512);
}
