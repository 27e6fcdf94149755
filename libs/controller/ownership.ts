// Where one replica stands among the others: the rules of `membership.ts` without their network.
import { type Clock, longestSince, type Moment, moment } from './clock.ts';
import type { OwnLease } from './lease.ts';
import { type Member, memberOf, ownerOf } from './rendezvous.ts';
import { createRoster, type LeaseObject, type Replica } from './roster.ts';

/** A write was refused because another replica may own the object; nothing is wrong. */
export class NotOwner extends Error {
  override name = 'NotOwner';
  readonly reason = 'NotOwner';
}

export interface StandingOptions {
  identity: string;
  leaseMs: number;
  clock: Clock;
  /** A reader of `onChange` threw. */
  failed(error: unknown): void;
}

/** Part of the lease that isn't used: for writes under way, and clocks that run at different rates. */
const MARGIN = 0.2;

export function createStanding({ identity, leaseMs, clock, failed }: StandingOptions) {
  const safeMs = leaseMs * (1 - MARGIN);
  const roster = createRoster(identity);
  const callbacks = new Set<() => void>();
  let lease: (OwnLease & { joinedAt: number }) | undefined;
  let renewedAt: Moment | undefined;
  let lookedAt: Moment | undefined;
  let settled = false;
  let left = false;
  let lapsed: OwnLease[] = [];
  let members: Member[] = [];
  let last = '';
  let stopTimer: (() => void) | undefined;

  const isFresh = (at: Moment | undefined) => at !== undefined && longestSince(at, clock) < safeMs;
  const isSafe = () => settled && !left && isFresh(renewedAt) && isFresh(lookedAt);

  /** When a replica that says nothing must have seen us, or can act no more. */
  function settlesAt({ joinedAt, uid }: { joinedAt: number; uid: string }): number {
    const silent = roster.live().filter((replica) => !replica.hasSeen(uid));
    return Math.max(0, ...silent.map(({ durationMs }) => joinedAt + Math.max(leaseMs, durationMs)));
  }

  function update() {
    if (lease && lookedAt && !settled) settled = settlesAt(lease) <= clock.now();
    const identities = new Set(roster.live().map((replica) => replica.identity));
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

  /** What changes by time alone: a lease that runs out, a wait that is over. */
  function arm() {
    stopTimer?.();
    stopTimer = undefined;
    if (left || !lease || !renewedAt || !lookedAt) return;
    const now = clock.now();
    const due = settled ? Math.min(renewedAt.now, lookedAt.now) + safeMs : settlesAt(lease);
    if (due > now) stopTimer = clock.timer(update, due - now + 1);
  }

  function drop() {
    lease = undefined;
    renewedAt = undefined;
    lookedAt = undefined;
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
    /** UIDs of the Leases that are taken into account here. */
    seen: () => roster.live().map((replica) => replica.uid),
    /** Lets go of a Lease that ran out before it was renewed; answers those to be released. */
    lapsed(): readonly OwnLease[] {
      if (lease && !isFresh(renewedAt)) {
        lapsed.push(lease);
        drop();
      }
      return lapsed;
    },
    released(lease: OwnLease) {
      lapsed = lapsed.filter(({ uid }) => uid !== lease.uid);
    },
    /** The Lease is no longer ours. */
    lost: drop,
    joined(made: OwnLease, sent: Moment) {
      lease = { ...made, joinedAt: clock.now() };
      renewedAt = sent;
      update();
    },
    /** A complete list that was sent for at `asked`; answers the replicas that are dead by it. */
    looked(leases: readonly LeaseObject[], asked: Moment): Replica[] {
      const dead = roster.see(leases, asked.now, clock.now());
      if (lease) lookedAt = asked;
      update();
      return dead;
    },
    /** A renewal came through; one that took too long doesn't count, as others may have judged us dead. */
    renewed(sent: Moment) {
      if (!isFresh(renewedAt)) return;
      renewedAt = sent;
      update();
    },
    /** News from a watch; answers whether a round should follow at once. */
    hear(news: LeaseObject, deleted: boolean): boolean {
      const { uid } = news.metadata;
      const isLive = () => roster.live().some((replica) => replica.uid === uid);
      const before = isLive();
      roster.hear(news, deleted, clock.now());
      const lost = deleted && uid === lease?.uid;
      if (lost) drop();
      else update();
      // A newcomer waits for us to say that we have seen it.
      return lost || (!before && isLive());
    },
    leave() {
      left = true;
      stopTimer?.();
      update();
    },
  };
}

export type Standing = ReturnType<typeof createStanding>;
