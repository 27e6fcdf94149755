// What each Kustomization was last applied from, to tell whether a new artifact changes anything for it.
// It is kept in memory only: after a start every Kustomization is built and compared once.
import { createHmac, randomBytes } from 'node:crypto';
import type { Kustomization } from '@weir/api';
import { objectKey } from '@weir/kube';
import type { Substitution, Trace } from '@weir/render';

export interface Basis {
  uid: string | undefined;
  generation: number | undefined;
  /** The revision that was applied. */
  revision: string;
  /** Of the built manifests, for the history. */
  digest: string;
  /** Every look-up of the build. */
  trace: Trace;
  /** Stands for the variables' values. */
  variables: string;
  /** When the cluster was last compared with it, by `performance.now()`. */
  comparedAt: number;
}

/**
 * What the last complete run of a Kustomization built and applied. Whatever else comes to decide what is
 * applied, and is neither in the artifact nor in the spec, has to be here and in the basis: keys, say.
 */
export interface Applied {
  revision: string;
  digest: string;
  trace: Trace;
  substitute: Substitution | undefined;
}

export interface Bases {
  /** Remembers that all of it was just applied or found in place. */
  remember(object: Kustomization, applied: Applied): void;
  /** The same state goes by another revision now. */
  passOn(object: Kustomization, revision: string): void;
  /** What the object, as it is now, was applied from; undefined when its spec changed since. */
  recall(object: Kustomization): Basis | undefined;
  /** Stands for variables without giving them away; equal for equal ones within this process. */
  fingerprint(substitute: Substitution | undefined): string;
  forget(key: string): void;
}

/** Look-ups of all traces together, at some 200 bytes each: 40 MB. */
const MAX_LOOKUPS = 200_000;

/** Holds as many bases as fit; those used least recently go first, which costs them a build. */
export function createBases(maxLookups = MAX_LOOKUPS): Bases {
  const bases = new Map<string, Basis>();
  const secret = randomBytes(32);
  let lookups = 0;

  function forget(key: string): void {
    const basis = bases.get(key);
    if (basis === undefined) return;
    lookups -= sizeOf(basis.trace);
    bases.delete(key);
  }
  function keep(key: string, basis: Basis): void {
    forget(key);
    bases.set(key, basis);
    lookups += sizeOf(basis.trace);
    for (const oldest of bases.keys()) {
      if (lookups <= maxLookups) break;
      forget(oldest);
    }
  }
  function fingerprint(substitute: Substitution | undefined): string {
    const { vars, strict, always } = substitute ?? {};
    const sorted = vars && Object.entries(vars).sort(([a], [b]) => (a < b ? -1 : 1));
    const all = JSON.stringify([sorted, strict, always]);
    return createHmac('sha256', secret).update(all).digest('base64');
  }
  function recall(object: Kustomization): Basis | undefined {
    const basis = bases.get(objectKey(object));
    const { uid, generation } = object.metadata;
    return basis?.uid === uid && basis?.generation === generation ? basis : undefined;
  }

  return {
    recall,
    forget,
    fingerprint,
    remember(object, { revision, digest, trace, substitute }) {
      const { uid, generation } = object.metadata;
      const variables = fingerprint(substitute);
      const comparedAt = performance.now();
      keep(objectKey(object), { uid, generation, revision, digest, trace, variables, comparedAt });
    },
    passOn(object, revision) {
      const basis = recall(object);
      if (basis !== undefined) keep(objectKey(object), { ...basis, revision });
    },
  };
}

function sizeOf({ files, dirs, kinds }: Trace): number {
  return [files, dirs, kinds].reduce((sum, seen) => sum + Object.keys(seen).length, 1);
}
