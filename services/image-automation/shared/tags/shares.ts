// Counts what the lists of each namespace take in NATS, as far as this replica knows, so that no tenant can displace
// the lists of others.

/** A namespace has no room for a list. */
export class TagsRefused extends Error {
  override readonly name = 'TagsRefused';
  readonly reason = 'StorageQuotaExceeded';
}

export interface Shares {
  /**
   * Reserves room for the list of an object, in place of what it had.
   * @throws TagsRefused
   */
  take(namespace: string, uid: string, bytes: number): void;
  /** Records what is stored already. */
  note(namespace: string, uid: string, bytes: number): void;
  release(namespace: string, uid: string): void;
}

/** @param max bytes of one namespace */
export function createShares(max: number): Shares {
  const usage = new Map<string, Map<string, number>>();

  function note(namespace: string, uid: string, bytes: number): void {
    const lists = usage.get(namespace) ?? new Map<string, number>();
    usage.set(namespace, lists.set(uid, bytes));
  }

  return {
    note,
    take(namespace, uid, bytes) {
      const lists = usage.get(namespace) ?? new Map<string, number>();
      let others = 0;
      for (const [other, size] of lists) if (other !== uid) others += size;
      if (others + bytes > max) {
        throw new TagsRefused(
          `the tags of namespace ${namespace} take ${others} of the ${max} bytes that a namespace may have, and these need ${bytes}: leave out more with spec.exclusionList (--image-namespace-max-bytes is the limit)`,
        );
      }
      note(namespace, uid, bytes);
    },
    release(namespace, uid) {
      const lists = usage.get(namespace);
      lists?.delete(uid);
      if (lists?.size === 0) usage.delete(namespace);
    },
  };
}
