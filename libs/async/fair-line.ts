// The order in which entries of many tenants get few workers. The next entry is one of the tenant with the fewest
// running entries, and among such tenants of the one that has waited longest since its last turn. The entries of one
// tenant are served in the order in which they came.

export interface FairLine<Entry> {
  /** Adds an entry at the end of its tenant's line, or with `first` at its beginning. */
  push(tenant: string, entry: Entry, options?: { first?: boolean }): void;
  /**
   * Takes the next entry, or returns undefined when none may run. The entry counts as running for its tenant until
   * `release`.
   */
  take(): Entry | undefined;
  /** One entry of this tenant no longer runs. */
  release(tenant: string): void;
  /** Takes a waiting entry out of the line. Does nothing when it isn't there. */
  remove(tenant: string, entry: Entry): void;
  size(): number;
}

export interface FairLineOptions {
  /** Whether a tenant that has `held` running entries may get another one; always unless given. */
  mayRun?(held: number): boolean;
}

export function createFairLine<Entry>({ mayRun }: FairLineOptions = {}): FairLine<Entry> {
  // A Map keeps the order of insertion, so a tenant that is removed and inserted again goes to the end.
  const waiting = new Map<string, Entry[]>();
  const running = new Map<string, number>();
  let size = 0;

  const busy = (tenant: string) => running.get(tenant) ?? 0;

  /** The search ends at the first tenant without a running entry, so it looks at no more tenants than there are workers. */
  function next(): string | undefined {
    let best: string | undefined;
    for (const tenant of waiting.keys()) {
      if (busy(tenant) === 0) return mayRun?.(0) === false ? undefined : tenant;
      if (best === undefined || busy(tenant) < busy(best)) best = tenant;
    }
    return best === undefined || mayRun?.(busy(best)) === false ? undefined : best;
  }

  function moveToEnd(tenant: string, entries: Entry[]) {
    waiting.delete(tenant);
    if (entries.length > 0) waiting.set(tenant, entries);
  }

  return {
    push(tenant, entry, { first = false } = {}) {
      const entries = waiting.get(tenant);
      if (!entries) waiting.set(tenant, [entry]);
      else if (first) entries.unshift(entry);
      else entries.push(entry);
      size += 1;
    },
    take() {
      const tenant = next();
      const entries = tenant === undefined ? undefined : waiting.get(tenant);
      if (tenant === undefined || !entries) return undefined;
      const entry = entries.shift();
      moveToEnd(tenant, entries);
      running.set(tenant, busy(tenant) + 1);
      size -= 1;
      return entry;
    },
    release(tenant) {
      const left = busy(tenant) - 1;
      if (left > 0) running.set(tenant, left);
      else running.delete(tenant);
    },
    remove(tenant, entry) {
      const entries = waiting.get(tenant);
      const place = entries?.indexOf(entry) ?? -1;
      if (!entries || place < 0) return;
      entries.splice(place, 1);
      if (entries.length === 0) waiting.delete(tenant);
      size -= 1;
    },
    size: () => size,
  };
}
