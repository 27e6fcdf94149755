// What one replica knows of the Leases of the others. It judges by what it saw and when it saw it on
// its own steady clock: the times that the others write into their Leases mean nothing here.
import type { KubeObject } from '@weir/kube';
import { isNewer } from './version.ts';

/** Which service the replica belongs to; also what Leases are found by. */
export const REPLICA_LABEL = 'weir/replica-of';
/** UIDs of the Leases whose holders this replica takes into account. */
export const SEEN_ANNOTATION = 'weir/seen-replicas';
/** Set by a replica that has stopped acting for good; its keys are free at once. */
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
  /** How long the Lease holds after each renewal, in ms, as its holder says. */
  durationMs: number;
  /** When we saw it for the first time or changed, on our steady clock. */
  changedAt: number;
  /** Whether it takes the Lease with this UID into account. */
  hasSeen(uid: string): boolean;
}

export interface Roster {
  /** A complete and current list that was asked for at `asked` and is here at `now`; answers who is dead. */
  see(leases: readonly LeaseObject[], asked: number, now: number): Replica[];
  /** News of one Lease from a watch, which may be late but never wrong. */
  hear(lease: LeaseObject, deleted: boolean, now: number): void;
  /** Everyone else who may be acting; a replica that started anew can be in it twice. */
  live(): Replica[];
}

/** Of a holder that acts no more: kept while old news of it may still come. */
interface Gone {
  lease: LeaseObject;
  goneAt: number;
}

const DEFAULT_DURATION_S = 15;

/** `identity` is our own; our Leases, old and new, are nobody's. */
export function createRoster(identity: string): Roster {
  const live = new Map<string, Replica>();
  const gone = new Map<string, Gone>();

  function bury({ uid, lease }: { uid: string; lease: LeaseObject }, goneAt: number) {
    live.delete(uid);
    gone.set(uid, { lease, goneAt });
  }

  function hear(lease: LeaseObject, deleted: boolean, now: number) {
    const uid = lease.metadata.uid ?? '';
    const known = live.get(uid)?.lease ?? gone.get(uid)?.lease;
    if (holderOf(lease) === identity) return;
    if (isReleased(lease)) {
      bury({ uid, lease }, now);
      return;
    }
    // Deleted by somebody else: its holder may not know yet, and acts until its time is over.
    if (deleted || (known && (isReleased(known) || !isNewer(lease, known)))) return;
    gone.delete(uid);
    live.set(uid, replicaOf(lease, uid, now));
  }

  return {
    see(leases, asked, now) {
      const listed = new Set(leases.map((lease) => lease.metadata.uid));
      for (const [uid, { goneAt }] of gone) {
        if (!listed.has(uid) && goneAt < asked) gone.delete(uid);
      }
      for (const lease of leases) hear(lease, false, now);
      // Unchanged between a moment in which we had it and a later one, before the list was made.
      const dead = [...live.values()].filter(
        (replica) => asked - replica.changedAt >= replica.durationMs,
      );
      for (const replica of dead) bury(replica, now);
      return dead;
    },
    hear,
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
