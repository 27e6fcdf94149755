// What each Kustomization was last applied from, to tell whether a new artifact or an interval changes
// anything for it.
import type { Kustomization } from '@weir/api';
import { objectKey } from '@weir/kube';
import type { Trace } from '@weir/render';

export interface Basis {
  uid: string | undefined;
  generation: number | undefined;
  /** The revision that was applied. */
  revision: string;
  /** Of the artifact that was built. */
  artifact: string;
  /** Of the built manifests, for the history. */
  digest: string;
  /** Every look-up of the build. */
  trace: Trace;
  /** Stands for the variables' values. */
  variables: string;
  /** Stands for the inventory that it left. */
  inventory: string;
  /** Whether all of it is watched for drift: what was left to others is not, and what may vanish. */
  watched: boolean;
  /** When the cluster was last looked at with it, by `performance.now()`. */
  lookedAt: number;
  /** When all of it was last compared by a dry-run, by `performance.now()`. */
  comparedAt: number;
}

/**
 * What the last complete run of a Kustomization built and applied. Whatever else comes to decide what is
 * applied, and is neither in the artifact nor in the spec, has to be here and in the basis: keys, say.
 */
export type Applied = Omit<Basis, 'uid' | 'generation' | 'lookedAt' | 'comparedAt'>;

export interface Bases {
  /** Remembers that this was just applied or found in place; `compared` if every object was asked about. */
  remember(object: Kustomization, applied: Applied, compared: boolean): Basis;
  /** The same state goes by another revision or artifact now; `looked` if the cluster was looked at. */
  passOn(
    object: Kustomization,
    to: Pick<Basis, 'revision' | 'artifact'>,
    options: { looked: boolean },
  ): void;
  /** What the object, as it is now, was applied from; undefined when its spec changed since. */
  recall(object: Kustomization): Basis | undefined;
  forget(key: string): void;
}

/** Look-ups of all traces together, at some 200 bytes each: 40 MB. */
const MAX_LOOKUPS = 200_000;

/** Holds as many bases as fit; those used least recently go first, which costs them a build. */
export function createBases(maxLookups = MAX_LOOKUPS): Bases {
  const bases = new Map<string, { basis: Basis; size: number }>();
  let lookups = 0;

  function forget(key: string): void {
    lookups -= bases.get(key)?.size ?? 0;
    bases.delete(key);
  }
  function keep(key: string, basis: Basis, size = sizeOf(basis.trace)): void {
    forget(key);
    bases.set(key, { basis, size });
    lookups += size;
    for (const oldest of bases.keys()) {
      if (lookups <= maxLookups) break;
      forget(oldest);
    }
  }
  function recall(object: Kustomization): Basis | undefined {
    const basis = bases.get(objectKey(object))?.basis;
    const { uid, generation } = object.metadata;
    return basis?.uid === uid && basis?.generation === generation ? basis : undefined;
  }

  return {
    recall,
    forget,
    remember(object, applied, compared) {
      const { uid, generation } = object.metadata;
      const lookedAt = performance.now();
      const before = recall(object)?.comparedAt ?? lookedAt;
      const comparedAt = compared ? lookedAt : before;
      const basis = { uid, generation, ...applied, lookedAt, comparedAt };
      keep(objectKey(object), basis);
      return basis;
    },
    passOn(object, to, { looked }) {
      const basis = recall(object);
      if (basis === undefined) return;
      const lookedAt = looked ? performance.now() : basis.lookedAt;
      const key = objectKey(object);
      keep(key, { ...basis, ...to, lookedAt }, bases.get(key)?.size);
    },
  };
}

function sizeOf({ files, dirs, kinds }: Trace): number {
  return [files, dirs, kinds].reduce((sum, seen) => sum + Object.keys(seen).length, 1);
}
