/** A posting in the outbox, with its stream and namespace. */
interface Shared {
  stream: string;
  namespace: string;
  bytes: number;
}

/** The postings of each namespace in an outbox, for each stream. */
export interface Shares<T extends Shared> {
  add(posting: T): void;
  remove(posting: T): void;
  /**
   * The oldest posting of the namespace with the most bytes, among those that `may` be dropped; of the next namespace
   * if it has none.
   */
  oldestOfLargest(may: (posting: T) => boolean): T | undefined;
}

interface Share<T> {
  bytes: number;
  /** In order of arrival. */
  postings: Set<T>;
}

export function createShares<T extends Shared>(): Shares<T> {
  const shares = new Map<string, Share<T>>();
  const keyOf = ({ stream, namespace }: T) => `${stream}/${namespace}`;

  return {
    add(posting) {
      const key = keyOf(posting);
      const share = shares.get(key) ?? { bytes: 0, postings: new Set() };
      share.bytes += posting.bytes;
      share.postings.add(posting);
      shares.set(key, share);
    },
    remove(posting) {
      const key = keyOf(posting);
      const share = shares.get(key);
      if (share?.postings.delete(posting) !== true) return;
      share.bytes -= posting.bytes;
      if (share.postings.size === 0) shares.delete(key);
    },
    oldestOfLargest(may) {
      const bySize = [...shares.values()].sort((a, b) => b.bytes - a.bytes);
      for (const { postings } of bySize) {
        for (const posting of postings) if (may(posting)) return posting;
      }
      return undefined;
    },
  };
}
