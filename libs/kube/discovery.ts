import type { Caller } from './caller.ts';
import type { Discovery } from './client.ts';
import { NoMatchError } from './errors.ts';
import { type DiscoveredResource, parseApiVersion } from './object.ts';
import { fetchServed } from './served.ts';

/** A table younger than this is believed when it does not have a kind. */
const MISS_FRESH_MS = 2_000;
/** After invalidate() a new kind is expected any moment: the server's own document may lag behind a little. */
const EXPECTED_FOR_MS = 5_000;
const EXPECTED_FRESH_MS = 200;
/** One older than this is read again behind the back of whoever asks, so that removed kinds go. */
const STALE_MS = 5 * 60_000;

interface Table {
  resources: readonly DiscoveredResource[];
  byKind: Map<string, DiscoveredResource>;
  readAt: number;
}

/** The cache over one server's discovery documents. */
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
        // Invalidated meanwhile: whoever asked gets this one, the next question a newer one.
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
    // A failure here is not the caller's: the old table still answers, and the next call tries again.
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

/** By exact version, and by none for the first (preferred) version that has the kind. */
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
