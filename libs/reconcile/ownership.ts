// Forgets what a replica keeps of an object when another replica owns the object.
import type { Membership } from '@weir/controller';

/** Something that is kept for objects by `<namespace>/<name>`. */
interface Kept {
  keys(): Iterable<string>;
}

export interface Ownership {
  membership: Pick<Membership, 'owns' | 'onChange'>;
  /** The key that decides which replica owns the object `<namespace>/<name>`. */
  ownershipKey(key: string): string;
  dependencyWatches: Kept & { done(key: string): void };
  clusters: Kept & { leave(key: string): void };
}

/** Returns a function that ends the subscription. */
export function followOwnership({
  membership,
  ownershipKey,
  dependencyWatches,
  clusters,
}: Ownership): () => void {
  return membership.onChange(() => {
    for (const key of dependencyWatches.keys()) {
      if (!membership.owns(ownershipKey(key))) dependencyWatches.done(key);
    }
    for (const key of clusters.keys()) {
      if (!membership.owns(ownershipKey(key))) clusters.leave(key);
    }
  });
}
