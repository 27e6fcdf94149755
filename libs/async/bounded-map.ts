/** A Map with a bound. When its entries weigh more than the bound, those that were used least recently are dropped. */
export interface BoundedMap<K, V> {
  /** Returns the value, and counts as a use of the entry. */
  get(key: K): V | undefined;
  /** Adds or replaces the entry. An entry that alone is heavier than the bound is not kept. */
  set(key: K, value: V): void;
  delete(key: K): void;
  clear(): void;
  size(): number;
}

export interface BoundedMapOptions<K, V> {
  /** The largest total weight of all entries. */
  max: number;
  /** The weight of an entry, for example its bytes; 1 unless given, so that `max` is a number of entries. */
  weigh?(value: V, key: K): number;
}

export function createBoundedMap<K, V>(options: BoundedMapOptions<K, V>): BoundedMap<K, V> {
  const { max, weigh = () => 1 } = options;
  // A Map keeps the order of insertion, and a used entry is inserted again: the first entry is the least recently used.
  const entries = new Map<K, { value: V; weight: number }>();
  let total = 0;

  function remove(key: K): void {
    total -= entries.get(key)?.weight ?? 0;
    entries.delete(key);
  }

  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value) {
      remove(key);
      const weight = weigh(value, key);
      if (weight > max) return;
      entries.set(key, { value, weight });
      total += weight;
      for (const oldest of entries.keys()) {
        if (total <= max) return;
        remove(oldest);
      }
    },
    delete: remove,
    clear() {
      entries.clear();
      total = 0;
    },
    size: () => entries.size,
  };
}
