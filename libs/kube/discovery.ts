import type { Caller } from './caller.ts';
import type { Discovery } from './client.ts';
import { NoMatchError } from './errors.ts';
import { type DiscoveredResource, parseApiVersion } from './object.ts';
import { fetchServed } from './served.ts';

/** A kind that is missing in a table younger than this does not exist, and the server isn't asked again. */
const MISS_FRESH_MS = 2_000;
/**
 * After invalidate() a new kind is expected, and the server's discovery document may be a little behind. For this
 * time EXPECTED_FRESH_MS counts in place of MISS_FRESH_MS.
 */
const EXPECTED_FOR_MS = 5_000;
const EXPECTED_FRESH_MS = 200;
/** A table older than this is read again in the background, so that kinds that were removed disappear from it. */
const STALE_MS = 5 * 60_000;

interface Table {
  resources: readonly DiscoveredResource[];
  byKind: Map<string, DiscoveredResource>;
  readAt: number;
}

/** A cache of one server's discovery documents. `now` is a clock in ms that never jumps. */
export function createDiscovery(
  caller: Caller,
  now: () => number = () => performance.now(),
): Discovery {
  let table: Table | undefined;
  let reading: Promise<Table> | undefined;
  let expectedUntil = Number.NEGATIVE_INFINITY;

  const read = (): Promise<Table> => {
    if (reading !== undefined) return reading;
    const startedAt = now();
    const mine: Promise<Table> = fetchServed(caller)
      .then((resources) => {
        const fresh = { resources, byKind: index(resources), readAt: startedAt };
        // If the cache was invalidated meanwhile, this answer goes to its callers but does not become the table.
        if (reading === mine) table = fresh;
        return fresh;
      })
      .finally(() => {
        if (reading === mine) reading = undefined;
      });
    reading = mine;
    return mine;
  };
  const current = async (): Promise<Table> => {
    if (table === undefined) return read();
    // When this read fails the caller still gets the old table, and the next call tries again.
    if (now() - table.readAt > STALE_MS) read().catch(() => undefined);
    return table;
  };

  return {
    async resourceFor(wanted) {
      const key = kindKey(wanted);
      const held = await current();
      const found = held.byKind.get(key);
      if (found !== undefined) return found;
      const freshMs = now() < expectedUntil ? EXPECTED_FRESH_MS : MISS_FRESH_MS;
      if (now() - held.readAt < freshMs) throw new NoMatchError(wanted);
      const again = (await read()).byKind.get(key);
      if (again === undefined) throw new NoMatchError(wanted);
      return again;
    },
    resourceForKind(apiVersion, kind) {
      return this.resourceFor({ ...parseApiVersion(apiVersion), kind });
    },
    async resources() {
      return (await current()).resources;
    },
    invalidate() {
      expectedUntil = now() + EXPECTED_FOR_MS;
      table = undefined;
      reading = undefined;
    },
  };
}

function kindKey({ group, version, kind }: { group: string; version?: string; kind: string }) {
  return `${group}/${version ?? ''}/${kind}`;
}

/** Indexes each kind by its exact version, and without a version for the most preferred version that has it. */
function index(resources: readonly DiscoveredResource[]): Map<string, DiscoveredResource> {
  const byKind = new Map<string, DiscoveredResource>();
  for (const resource of resources) {
    const { group, kind } = resource;
    for (const key of [kindKey(resource), kindKey({ group, kind })]) {
      if (!byKind.has(key)) byKind.set(key, resource);
    }
  }
  return byKind;
}
