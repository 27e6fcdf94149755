// Workloads of releases without drift detection that somebody has deleted, according to the drift watch.
import { type ObjectId, subjectOf } from '@weir/apply';

/** By the key of the HelmRelease. */
export interface DeletedWorkloads {
  add(owner: string, id: ObjectId): void;
  get(owner: string): ObjectId[];
  remove(owner: string, id: ObjectId): void;
  forget(owner: string): void;
}

export function createDeletedWorkloads(): DeletedWorkloads {
  const byOwner = new Map<string, Map<string, ObjectId>>();
  return {
    add(owner, id) {
      const known = byOwner.get(owner) ?? new Map<string, ObjectId>();
      byOwner.set(owner, known.set(subjectOf(id), id));
    },
    get: (owner) => [...(byOwner.get(owner)?.values() ?? [])],
    remove(owner, id) {
      const known = byOwner.get(owner);
      known?.delete(subjectOf(id));
      if (known?.size === 0) byOwner.delete(owner);
    },
    forget: (owner) => byOwner.delete(owner),
  };
}

const WORKLOADS = new Set(['Deployment', 'StatefulSet', 'DaemonSet']);

export function isWorkload({ group, kind }: ObjectId): boolean {
  return group === 'apps' && WORKLOADS.has(kind);
}
