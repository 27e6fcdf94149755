// Who is next when many tenants want few workers: the one with the fewest at work, and among those
// the one that has waited longest for its turn. Within a tenant, first come, first served.

export interface FairLine<Entry> {
  /** `first` puts it before what its tenant has waiting. */
  push(tenant: string, entry: Entry, options?: { first?: boolean }): void;
  /** Takes the next entry; its tenant counts as having one more at work until `release`. Undefined when none may run. */
  take(): Entry | undefined;
  release(tenant: string): void;
  /** Takes an entry out before its turn. */
  remove(tenant: string, entry: Entry): void;
  size(): number;
}

export interface FairLineOptions {
  /** Whether a tenant may have one more at work that has `held` there now; always unless given. */
  mayRun?(held: number): boolean;
}

export function createFairLine<Entry>({ mayRun }: FairLineOptions = {}): FairLine<Entry> {
  // A Map keeps the order of insertion: taken out and put in again, a tenant goes to the end.
  const waiting = new Map<string, Entry[]>();
  const atWork = new Map<string, number>();
  let size = 0;

  const busy = (tenant: string) => atWork.get(tenant) ?? 0;

  /** At most as many tenants are at work as there are workers, so the search ends after that many. */
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
      atWork.set(tenant, busy(tenant) + 1);
      size -= 1;
      return entry;
    },
    release(tenant) {
      const left = busy(tenant) - 1;
      if (left > 0) atWork.set(tenant, left);
      else atWork.delete(tenant);
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
