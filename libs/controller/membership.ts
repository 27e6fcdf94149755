// Which replicas there are and which of them owns what, by one Lease per replica. What must hold:
// no two replicas pass `guard` for one key at the same time.
//
// A replica A passes `guard` only while three things hold (`isSafe`, `owns`):
//   1. its last renewal and its last look at all Leases (a consistent list) were both *sent* less than
//      `leaseMs` minus a margin ago. Had the renewal lapsed in between, it starts anew with a new Lease;
//   2. it has settled: since it made its Lease, it has looked once, and every other live replica has
//      either written into its own Lease that it has seen A's, or `leaseMs` have passed;
//   3. of the members that it knows, itself among them, rendezvous hashing picks it.
//
// Say A and B both pass for one key. If each knows the other, (3) picks the same one for both. So one,
// say A, doesn't count B as a member. Either
//   - A judged B dead: in a list asked for at t, B's Lease was as A had it at t0 <= t - leaseMs. Whatever
//     B renewed before was sent before t0, so B's time was over before t; a renewal that came through
//     later was answered after that time, which B notices, and then starts anew (1). Not B's old Lease;
//   - or B released its Lease: it had stopped before;
//   - or A never saw B's present Lease. By (1) A's last look was sent less than leaseMs ago, so B's Lease
//     is younger than that, and B settled because all replicas that it knew had seen it: A is not among
//     them. B looked after it made its Lease, so A made its own after that, and looked only then: A has
//     seen B. Contradiction.
// Clocks are compared with nobody's: each replica measures spans on its own steady clock. That two of
// them run at different rates, and that a write takes a moment after `guard`, is what the margin is for.
import { isConflict, isNotFound, type KubeClient, Lease } from '@weir/kube';
import type { Logger } from '@weir/telemetry';
import { type Clock, systemClock } from './clock.ts';
import { createLeaseKeeper, type LeaseKeeper, leaseSelector } from './lease.ts';
import type { LeaseObject } from './roster.ts';
import { createStanding, type Standing } from './standing.ts';

export { NotOwner } from './standing.ts';

/** Which replicas there are, and which of them owns what. */
export interface Membership {
  /** Whether this replica may act on what has this key now. */
  owns(key: string): boolean;
  /** Call before a write; throws `NotOwner` when not owned or the lease margin is gone. */
  guard(key: string): void;
  /** Identities of the live replicas, this one among them once it has joined; sorted. */
  members(): string[];
  /** Calls back whenever `owns` may answer differently; returns the way to stop that. */
  onChange(callback: () => void): () => void;
  /** Whether this replica has joined and its lease is safe. */
  healthy(): boolean;
  /** Leaves: acts no more, and tells the others so that they take over at once. */
  close(): Promise<void>;
}

export interface MembershipOptions {
  client: KubeClient;
  /** Where the Leases are. */
  namespace: string;
  /** Replicas of one service share its keys. */
  service: string;
  /** Names this replica to people; a part of its own is added, so it need not be unique. */
  instance: string;
  /** How long a replica that vanished keeps its keys; 15 s unless given, and at least 1 s. */
  leaseMs?: number;
  /** How often the Lease is renewed; a third of it unless given. */
  renewMs?: number;
  log: Logger;
  clock?: Clock;
}

const DEFAULT_LEASE_MS = 15_000;

/** Joins the replicas of a service. Resolves after the first attempt; it goes on for ever by itself. */
export async function joinMembership(options: MembershipOptions): Promise<Membership> {
  const { client, namespace, service, log, clock = systemClock } = options;
  const leaseMs = Math.max(1_000, options.leaseMs ?? DEFAULT_LEASE_MS);
  const renewMs = options.renewMs ?? leaseMs / 3;
  const identity = `${options.instance}_${crypto.randomUUID().slice(0, 8)}`;
  const timeoutMs = Math.max(renewMs, 500);
  const keeper = createLeaseKeeper({ client, namespace, service, identity, leaseMs, timeoutMs });
  const failed = (err: unknown) => log.error({ err }, 'A reader of the membership failed');
  const standing = createStanding({ identity, leaseMs, clock, failed });
  const attempt = createAttempt(standing, keeper, log.child({ replica: identity }));
  const stop = new AbortController();
  const pause = createPause(clock);

  async function goOn() {
    while (!stop.signal.aborted) {
      // After trouble sooner, as time is running out.
      await pause.for((await attempt()) ? renewMs : renewMs / 5);
    }
  }

  async function watch() {
    const labelSelector = leaseSelector(service);
    const events = client.listWatch<LeaseObject>(Lease, {
      namespace,
      labelSelector,
      signal: stop.signal,
    });
    for await (const event of events) {
      if (event.type === 'error') log.debug({ err: event.error }, 'Watch of Leases interrupted');
      else if (event.type !== 'synced' && standing.hear(event.object, event.type === 'deleted')) {
        pause.end();
      }
    }
  }

  await attempt();
  const rounds = goOn();
  const watching = watch().catch((error: unknown) => {
    // Rounds alone are enough to be safe; only joins and leaves take longer.
    if (!stop.signal.aborted) log.error({ err: error }, 'Leases are no longer watched');
  });

  return {
    owns: standing.owns,
    guard: standing.guard,
    members: standing.members,
    onChange: standing.onChange,
    healthy: standing.isSafe,
    async close() {
      standing.leave();
      stop.abort();
      pause.end();
      await Promise.all([rounds, watching]);
      const lease = standing.lease();
      if (!lease) return;
      await keeper.release(lease).catch((error: unknown) => {
        log.warn({ err: error }, 'Lease not released: others take over when it has run out');
      });
    },
  };
}

/** Makes rounds, logs where trouble begins and ends, and answers whether this one went well. */
function createAttempt(standing: Standing, keeper: LeaseKeeper, log: Logger) {
  let trouble = '';
  return async (): Promise<boolean> => {
    try {
      await makeRound(standing, keeper, log);
      if (trouble !== '') log.info('The Lease of this replica is renewed again');
      trouble = '';
      return true;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (message !== trouble)
        log.warn({ err: error }, 'The Lease of this replica was not renewed');
      trouble = message;
      return false;
    }
  };
}

/** One round: have a Lease, look at all of them, renew ours and say in it whom we have seen. */
export async function makeRound(
  standing: Standing,
  keeper: LeaseKeeper,
  log: Logger,
): Promise<void> {
  for (const lapsed of standing.lapsed()) {
    await keeper.release(lapsed);
    standing.released(lapsed);
    log.warn({ lease: lapsed.name }, 'The Lease of this replica ran out: it joins anew');
  }
  let lease = standing.lease();
  if (!lease) {
    const sent = standing.moment();
    lease = await keeper.create();
    standing.joined(lease, sent);
  }
  const asked = standing.moment();
  const dead = standing.looked(await keeper.list(), asked);
  const sent = standing.moment();
  try {
    await keeper.renew(lease, standing.seen());
  } catch (error) {
    if (isNotFound(error) || isConflict(error)) standing.lost();
    throw error;
  }
  standing.renewed(sent);
  for (const { identity, lease } of dead) {
    log.info({ vanished: identity }, 'A replica vanished: the others share what it owned');
    await keeper.discard(lease);
  }
}

/** A pause that news can end early, also news that came just before it. */
function createPause(clock: Clock) {
  let finish: (() => void) | undefined;
  let skip = false;
  return {
    for: (ms: number) =>
      new Promise<void>((resolve) => {
        const stopTimer = clock.timer(() => finish?.(), skip ? 0 : ms);
        skip = false;
        finish = () => {
          stopTimer();
          finish = undefined;
          resolve();
        };
      }),
    end() {
      if (finish) finish();
      else skip = true;
    },
  };
}
