// Which replicas of a service run, and which of them owns which object. Each replica keeps one Lease. The invariant:
// no two replicas pass `guard` for one key at the same time.
//
// A replica A passes `guard` only while three conditions hold (`isSafe`, `owns`):
//   1. Its last renewal and its last list of all Leases (a consistent list) were both *sent* less than `leaseMs` minus a
//      margin ago. When that time passed before a renewal, the replica starts again with a new Lease.
//   2. It has settled: it has listed once since it made its Lease, and every other live replica has either written into
//      its own Lease that it knows A's Lease, or `leaseMs` have passed.
//   3. Rendezvous hashing picks A among the members that A knows, A itself included.
//
// Proof by contradiction. Suppose that A and B both pass for one key. If each knows the other, condition 3 picks the same
// one for both. So one of them, say A, doesn't count B as a member. Then one of three cases holds:
//   - A found B dead: a list that A sent for at time t showed B's Lease unchanged since t0 <= t - leaseMs. All renewals of
//     B in it were sent before t0, so B's time had passed before t. A renewal that succeeds later is answered after B's
//     time had passed; B notices that and starts again with a new Lease (condition 1). So B doesn't act on the old one.
//   - B released its Lease. B had stopped acting before that.
//   - A never saw B's present Lease. By condition 1 A's last list was sent less than leaseMs ago, so B's Lease is younger
//     than that. B settled because all replicas that it knew had acknowledged it, and A is not among these. B listed
//     after it had made its Lease, so A made its own Lease after that list and listed only then: A has seen B's Lease,
//     which contradicts the assumption.
// No replica compares its clock with another's; each measures time on its own steady clock. The margin is there because
// two clocks may run at different rates, and because a write takes some time after `guard`.
import { isConflict, isNotFound, type KubeClient, Lease } from '@weir/kube';
import type { Logger } from '@weir/telemetry';
import { type Clock, systemClock } from './clock.ts';
import { createLeaseKeeper, type LeaseKeeper, leaseSelector } from './lease.ts';
import { createOwnership, type Ownership } from './ownership.ts';
import type { LeaseObject } from './replicas.ts';

export { NotOwner } from './ownership.ts';

/** The live replicas of one service, and which of them owns which key. */
export interface Membership {
  /** Whether this replica may act on the object with this ownership key now. */
  owns(key: string): boolean;
  /** To be called before each write. Throws `NotOwner` when another replica may own the key, or the lease is about to end. */
  guard(key: string): void;
  /** Identities of the live replicas, this one among them once it has joined; sorted. */
  members(): string[];
  /** Calls back whenever results of `owns` may have changed. Returns a function that ends the subscription. */
  onChange(callback: () => void): () => void;
  /** Whether this replica has joined and its lease has a safe margin left. */
  healthy(): boolean;
  /** Stops acting and releases the Lease, so that the other replicas take over at once. */
  close(): Promise<void>;
}

export interface MembershipOptions {
  client: KubeClient;
  /** The namespace of the Leases. */
  namespace: string;
  /** The replicas of one service share its keys. */
  service: string;
  /** A name of this replica for people. A random suffix is added, so it need not be unique. */
  instance: string;
  /** How long a replica that vanished keeps its keys, in ms: 15 000 unless given, and at least 1 000. */
  leaseMs?: number;
  /** How often the Lease is renewed, in ms; a third of `leaseMs` unless given. */
  renewMs?: number;
  log: Logger;
  clock?: Clock;
}

const DEFAULT_LEASE_MS = 15_000;

/**
 * Joins the replicas of a service. It resolves after the first attempt, also when that failed, and keeps trying and
 * renewing in the background until it is closed.
 */
export async function joinMembership(options: MembershipOptions): Promise<Membership> {
  const { client, namespace, service, log, clock = systemClock } = options;
  const leaseMs = Math.max(1_000, options.leaseMs ?? DEFAULT_LEASE_MS);
  const renewMs = options.renewMs ?? leaseMs / 3;
  const identity = `${options.instance}_${crypto.randomUUID().slice(0, 8)}`;
  const timeoutMs = Math.max(renewMs, 500);
  const keeper = createLeaseKeeper({ client, namespace, service, identity, leaseMs, timeoutMs });
  const failed = (err: unknown) => log.error({ err }, 'A subscriber of the membership failed');
  const ownership = createOwnership({ identity, leaseMs, clock, failed });
  const attempt = createAttempt(ownership, keeper, log.child({ replica: identity }));
  const stop = new AbortController();
  const pause = createPause(clock);

  async function goOn() {
    while (!stop.signal.aborted) {
      // After a failure it tries again sooner, because the lease is running out.
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
      else if (
        event.type !== 'synced' &&
        ownership.leaseChanged(event.object, event.type === 'deleted')
      ) {
        pause.end();
      }
    }
  }

  await attempt();
  const rounds = goOn();
  const watching = watch().catch((error: unknown) => {
    // The regular rounds alone keep ownership safe. Without the watch, joins and leaves are only noticed later.
    if (!stop.signal.aborted) log.error({ err: error }, 'Leases are no longer watched');
  });

  return {
    owns: ownership.owns,
    guard: ownership.guard,
    members: ownership.members,
    onChange: ownership.onChange,
    healthy: ownership.isSafe,
    async close() {
      ownership.leave();
      stop.abort();
      pause.end();
      await Promise.all([rounds, watching]);
      const lease = ownership.lease();
      if (!lease) return;
      await keeper.release(lease).catch((error: unknown) => {
        log.warn({ err: error }, 'Lease not released: others take over when it has run out');
      });
    },
  };
}

/** Returns a function that makes one round and returns whether it succeeded. It logs when failures begin and end. */
function createAttempt(ownership: Ownership, keeper: LeaseKeeper, log: Logger) {
  let lastFailure = '';
  return async (): Promise<boolean> => {
    try {
      await makeRound(ownership, keeper, log);
      if (lastFailure !== '') log.info('The Lease of this replica is renewed again');
      lastFailure = '';
      return true;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (message !== lastFailure)
        log.warn({ err: error }, 'The Lease of this replica was not renewed');
      lastFailure = message;
      return false;
    }
  };
}

/** One round: makes a Lease if there is none, lists all Leases, and renews this one with the UIDs of those it knows. */
export async function makeRound(
  ownership: Ownership,
  keeper: LeaseKeeper,
  log: Logger,
): Promise<void> {
  for (const expired of ownership.expired()) {
    await keeper.release(expired);
    ownership.released(expired);
    log.warn({ lease: expired.name }, 'The Lease of this replica ran out: it joins anew');
  }
  let lease = ownership.lease();
  if (!lease) {
    const sent = ownership.moment();
    lease = await keeper.create();
    ownership.joined(lease, sent);
  }
  const asked = ownership.moment();
  const dead = ownership.listed(await keeper.list(), asked);
  const sent = ownership.moment();
  try {
    await keeper.renew(lease, ownership.knownLeases());
  } catch (error) {
    if (isNotFound(error) || isConflict(error)) ownership.lost();
    throw error;
  }
  ownership.renewed(sent);
  for (const { identity, lease } of dead) {
    log.info({ vanished: identity }, 'A replica vanished: the others share what it owned');
    await keeper.discard(lease);
  }
}

/** A wait that `end` cuts short. An `end` that comes just before the wait counts as well, so that no change is missed. */
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
