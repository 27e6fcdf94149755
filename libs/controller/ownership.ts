// Which keys this replica owns: the rules that `membership.ts` states, without requests to the API server.
import { type Clock, longestSince, type Moment, moment } from './clock.ts';
import type { OwnLease } from './lease.ts';
import { type Member, memberOf, ownerOf } from './rendezvous.ts';
import { createReplicaList, type LeaseObject, type Replica } from './replicas.ts';

/** A write was refused because another replica may own the object. This is no failure: the other replica does the work. */
export class NotOwner extends Error {
  override name = 'NotOwner';
  readonly reason = 'NotOwner';
}

export interface OwnershipOptions {
  identity: string;
  leaseMs: number;
  clock: Clock;
  /** Called with what a subscriber of `onChange` threw. */
  failed(error: unknown): void;
}

/** The share of the lease that isn't used, because writes take time and clocks may run at different rates. */
const MARGIN = 0.2;

export function createOwnership({ identity, leaseMs, clock, failed }: OwnershipOptions) {
  const safeMs = leaseMs * (1 - MARGIN);
  const replicas = createReplicaList(identity);
  const callbacks = new Set<() => void>();
  let lease: (OwnLease & { joinedAt: number }) | undefined;
  let renewedAt: Moment | undefined;
  let listedAt: Moment | undefined;
  let settled = false;
  let left = false;
  let expired: OwnLease[] = [];
  let members: Member[] = [];
  let last = '';
  let stopTimer: (() => void) | undefined;

  const isFresh = (at: Moment | undefined) => at !== undefined && longestSince(at, clock) < safeMs;
  const isSafe = () => settled && !left && isFresh(renewedAt) && isFresh(listedAt);

  /** From this time on each other replica either knows this one's Lease or can no longer act, because its own has expired. */
  function settlesAt({ joinedAt, uid }: { joinedAt: number; uid: string }): number {
    const silent = replicas.live().filter((replica) => !replica.hasSeen(uid));
    return Math.max(0, ...silent.map(({ durationMs }) => joinedAt + Math.max(leaseMs, durationMs)));
  }

  function update() {
    if (lease && listedAt && !settled) settled = settlesAt(lease) <= clock.now();
    const identities = new Set(replicas.live().map((replica) => replica.identity));
    if (lease) identities.add(identity);
    members = [...identities].sort().map(memberOf);
    arm();
    const now = `${isSafe()} ${[...identities].sort()}`;
    if (now === last) return;
    last = now;
    for (const callback of callbacks) {
      try {
        callback();
      } catch (error) {
        failed(error);
      }
    }
  }

  /** Sets a timer for what changes without an event: the lease expires, or the wait for other replicas ends. */
  function arm() {
    stopTimer?.();
    stopTimer = undefined;
    if (left || !lease || !renewedAt || !listedAt) return;
    const now = clock.now();
    const due = settled ? Math.min(renewedAt.now, listedAt.now) + safeMs : settlesAt(lease);
    if (due > now) stopTimer = clock.timer(update, due - now + 1);
  }

  function drop() {
    lease = undefined;
    renewedAt = undefined;
    listedAt = undefined;
    settled = false;
    update();
  }

  function owner(key: string) {
    return ownerOf(key, members);
  }

  return {
    isSafe,
    owns: (key: string) => isSafe() && owner(key) === identity,
    guard(key: string) {
      if (!isSafe()) throw new NotOwner(`the lease of ${identity} is not safe: nothing is written`);
      const other = owner(key);
      if (other !== identity) throw new NotOwner(`${key} belongs to ${other}`);
    },
    members: () => members.map((member) => member.identity),
    onChange(callback: () => void) {
      callbacks.add(callback);
      return () => void callbacks.delete(callback);
    },
    moment: () => moment(clock),
    lease: (): OwnLease | undefined => lease,
    /** The UIDs of the other replicas' Leases that this replica knows. */
    knownLeases: () => replicas.live().map((replica) => replica.uid),
    /** Drops this replica's Lease when it expired before it was renewed. Returns all such Leases that are to be released. */
    expired(): readonly OwnLease[] {
      if (lease && !isFresh(renewedAt)) {
        expired.push(lease);
        drop();
      }
      return expired;
    },
    released(lease: OwnLease) {
      expired = expired.filter(({ uid }) => uid !== lease.uid);
    },
    /** This replica's Lease was deleted or replaced by somebody else. */
    lost: drop,
    joined(made: OwnLease, sent: Moment) {
      lease = { ...made, joinedAt: clock.now() };
      renewedAt = sent;
      update();
    },
    /** Takes in a complete list that was requested at `asked`. Returns the replicas that are dead according to it. */
    listed(leases: readonly LeaseObject[], asked: Moment): Replica[] {
      const dead = replicas.listed(leases, asked.now, clock.now());
      if (lease) listedAt = asked;
      update();
      return dead;
    },
    /** A renewal succeeded. One that took too long is ignored, because others may have taken this replica for dead. */
    renewed(sent: Moment) {
      if (!isFresh(renewedAt)) return;
      renewedAt = sent;
      update();
    },
    /** Takes in an event of the watch. Returns whether a round should follow at once. */
    leaseChanged(changed: LeaseObject, deleted: boolean): boolean {
      const { uid } = changed.metadata;
      const isLive = () => replicas.live().some((replica) => replica.uid === uid);
      const before = isLive();
      replicas.changed(changed, deleted, clock.now());
      const lost = deleted && uid === lease?.uid;
      if (lost) drop();
      else update();
      // A new replica waits until this one has written that it knows its Lease.
      return lost || (!before && isLive());
    },
    leave() {
      left = true;
      stopTimer?.();
      update();
    },
  };
}

export type Ownership = ReturnType<typeof createOwnership>;
