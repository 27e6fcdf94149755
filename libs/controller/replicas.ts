// What one replica knows of the Leases of the other replicas. Whether a Lease has expired depends only on when this
// replica saw it change, by its own steady clock. The times in the Leases are not used, because clocks may differ.
import type { KubeObject } from '@weir/kube';
import { isNewer } from './version.ts';

/** The label with the service that the replica belongs to. Leases are selected by it. */
export const REPLICA_LABEL = 'weir/replica-of';
/** The annotation with the UIDs of the other Leases that the replica knows. */
export const SEEN_ANNOTATION = 'weir/seen-replicas';
/** The annotation of a replica that has stopped acting for good. Others take over its keys at once. */
export const RELEASED_ANNOTATION = 'weir/released';

export interface LeaseObject extends KubeObject {
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
  };
}

export interface Replica {
  uid: string;
  identity: string;
  lease: LeaseObject;
  /** How long the Lease is valid after each renewal, in ms, as its holder states. */
  durationMs: number;
  /** When this replica first saw this version of the Lease, by its own steady clock (ms). */
  changedAt: number;
  /** Whether the holder has written that it knows the Lease with this UID. */
  hasSeen(uid: string): boolean;
}

export interface ReplicaList {
  /** Takes in a consistent list that was requested at `asked` and arrived at `now` (ms). Returns the dead replicas. */
  listed(leases: readonly LeaseObject[], asked: number, now: number): Replica[];
  /** Takes in an event of the watch, which may be late. */
  changed(lease: LeaseObject, deleted: boolean, now: number): void;
  /** All other replicas that may be acting. A replica that started again with a new Lease can be in it twice. */
  live(): Replica[];
}

/** The Lease of a replica that no longer acts. It is kept as long as late events about it may arrive. */
interface Gone {
  lease: LeaseObject;
  goneAt: number;
}

const DEFAULT_DURATION_S = 15;

/** `identity` is that of this replica. Its own Leases, old and new, are ignored. */
export function createReplicaList(identity: string): ReplicaList {
  const live = new Map<string, Replica>();
  const gone = new Map<string, Gone>();

  function markGone({ uid, lease }: { uid: string; lease: LeaseObject }, goneAt: number) {
    live.delete(uid);
    gone.set(uid, { lease, goneAt });
  }

  function changed(lease: LeaseObject, deleted: boolean, now: number) {
    const uid = lease.metadata.uid ?? '';
    const known = live.get(uid)?.lease ?? gone.get(uid)?.lease;
    if (holderOf(lease) === identity) return;
    if (isReleased(lease)) {
      markGone({ uid, lease }, now);
      return;
    }
    // A Lease may be deleted without having been released. Its holder may not know that and act until its time is over.
    if (deleted || (known && (isReleased(known) || !isNewer(lease, known)))) return;
    gone.delete(uid);
    live.set(uid, replicaOf(lease, uid, now));
  }

  return {
    listed(leases, asked, now) {
      const listedUids = new Set(leases.map((lease) => lease.metadata.uid));
      for (const [uid, { goneAt }] of gone) {
        if (!listedUids.has(uid) && goneAt < asked) gone.delete(uid);
      }
      for (const lease of leases) changed(lease, false, now);
      // A Lease that did not change for its whole duration before the list was requested has expired.
      const dead = [...live.values()].filter(
        (replica) => asked - replica.changedAt >= replica.durationMs,
      );
      for (const replica of dead) markGone(replica, now);
      return dead;
    },
    changed,
    live: () => [...live.values()],
  };
}

function replicaOf(lease: LeaseObject, uid: string, changedAt: number): Replica {
  const seen = lease.metadata.annotations?.[SEEN_ANNOTATION]?.split(',') ?? [];
  return {
    uid,
    lease,
    changedAt,
    identity: holderOf(lease),
    durationMs: (lease.spec?.leaseDurationSeconds ?? DEFAULT_DURATION_S) * 1000,
    hasSeen: (other) => seen.includes(other),
  };
}

function holderOf(lease: LeaseObject): string {
  return lease.spec?.holderIdentity ?? '';
}

function isReleased(lease: LeaseObject): boolean {
  return lease.metadata.annotations?.[RELEASED_ANNOTATION] !== undefined;
}
