// A model of replicas around one API server: requests and watch events may be late or lost, and replicas may be
// disconnected, asleep or gone. Only the network is simulated; the rules under test are the real ones.
import { ApiError } from '@weir/kube';
import { createLogger } from '@weir/telemetry';
import type { Clock } from '../clock.ts';
import type { LeaseKeeper, OwnLease } from '../lease.ts';
import { makeRound } from '../membership.ts';
import { createOwnership, type Ownership } from '../ownership.ts';
import { type LeaseObject, RELEASED_ANNOTATION, SEEN_ANNOTATION } from '../replicas.ts';
import type { FakeClock } from './clock.ts';

export const LEASE_MS = 10_000;
export const RENEW_MS = LEASE_MS / 3;

/** Returns random numbers in [0, 1). Tests pass a seeded generator, so that a failure can be repeated. */
export type Chance = () => number;

export interface ModelReplica {
  identity: string;
  ownership: Ownership;
  /** Its requests fail and it gets no watch events. It continues to act as long as its rules allow. */
  cutOff: boolean;
  /** Its machine sleeps: it does nothing, and its steady clock stands still. */
  asleep: boolean;
  gone: boolean;
  leave(): Promise<void>;
}

const log = createLogger({ service: 'model', level: 'silent' });

/** `share` is the share of requests that are lost or very late. */
export function createModel(clock: FakeClock, chance: Chance, share: number) {
  let trouble = share;
  const leases = new Map<string, LeaseObject>();
  const replicas: ModelReplica[] = [];
  let version = 100;

  const pause = (ms: number) => new Promise<void>((resolve) => void clock.timer(resolve, ms));

  function latency(): number {
    const late = chance() < trouble / 2;
    return late ? chance() * LEASE_MS * 1.5 : chance() * 100;
  }

  function notify(lease: LeaseObject, deleted: boolean) {
    for (const replica of replicas) deliver(replica, structuredClone(lease), deleted);
  }

  async function deliver(replica: ModelReplica, lease: LeaseObject, deleted: boolean) {
    await pause(latency());
    if (replica.asleep || replica.cutOff || replica.gone) return;
    replica.ownership.leaseChanged(lease, deleted);
  }

  function write(lease: LeaseObject) {
    version += 1;
    lease.metadata.resourceVersion = String(version);
    leases.set(lease.metadata.name, lease);
    notify(lease, false);
  }

  function own({ name, uid }: OwnLease): LeaseObject {
    const lease = leases.get(name);
    if (lease?.metadata.uid !== uid) throw missing(name);
    return lease;
  }

  function erase(lease: LeaseObject) {
    leases.delete(lease.metadata.name);
    notify(lease, true);
  }

  /** Both the request and its answer may be late or lost. */
  async function request<T>(from: ModelReplica, work: () => T): Promise<T> {
    await pause(latency());
    if (from.cutOff || chance() < trouble / 4) throw new Error('lost on the way');
    const answer = work();
    await pause(latency());
    // An answer that arrives while the machine sleeps is read when it wakes.
    while (from.asleep) await pause(RENEW_MS / 5);
    if (from.cutOff || chance() < trouble / 4) throw new Error('answer lost');
    return answer;
  }

  function keeperFor(from: ModelReplica): LeaseKeeper {
    return {
      create: () =>
        request(from, () => {
          version += 1;
          const uid = `uid-${version}`;
          const lease: LeaseObject = {
            apiVersion: 'coordination.k8s.io/v1',
            kind: 'Lease',
            metadata: { name: `lease-${uid}`, uid, annotations: {} },
            spec: { holderIdentity: from.identity, leaseDurationSeconds: LEASE_MS / 1000 },
          };
          write(lease);
          return { name: lease.metadata.name, uid };
        }),
      renew: (lease, seen) =>
        request(from, () => {
          const found = own(lease);
          found.metadata.annotations = {
            ...found.metadata.annotations,
            [SEEN_ANNOTATION]: seen.join(','),
          };
          write(found);
        }),
      release: (lease) =>
        request(from, () => {
          const found = leases.get(lease.name);
          if (found?.metadata.uid !== lease.uid) return;
          found.metadata.annotations = { ...found.metadata.annotations, [RELEASED_ANNOTATION]: '' };
          write(found);
          erase(found);
        }),
      list: () => request(from, () => structuredClone([...leases.values()])),
      discard: (lease) =>
        request(from, () => {
          const found = leases.get(lease.metadata.name);
          if (found?.metadata.resourceVersion !== lease.metadata.resourceVersion) return;
          if (found) erase(found);
        }),
    };
  }

  function add(identity: string): ModelReplica {
    let slept = 0;
    let fellAsleep = 0;
    let asleep = false;
    // While a machine sleeps, its wall clock continues and its steady clock stops.
    const own: Clock = {
      ...clock,
      now: () => (asleep ? fellAsleep : clock.now()) - slept,
    };
    const ownership = createOwnership({
      identity,
      leaseMs: LEASE_MS,
      clock: own,
      failed: (error) => {
        throw error;
      },
    });
    const replica: ModelReplica = {
      identity,
      ownership,
      cutOff: false,
      gone: false,
      get asleep() {
        return asleep;
      },
      set asleep(next) {
        if (next && !asleep) fellAsleep = clock.now();
        if (!next && asleep) slept += clock.now() - fellAsleep;
        asleep = next;
      },
      async leave() {
        ownership.leave();
        replica.gone = true;
        const lease = ownership.lease();
        if (lease) await keeper.release(lease).catch(() => undefined);
      },
    };
    const keeper = keeperFor(replica);
    replicas.push(replica);
    void (async () => {
      while (!replica.gone) {
        if (replica.asleep) {
          await pause(RENEW_MS / 5);
          continue;
        }
        const joined = await makeRound(ownership, keeper, log).then(
          () => true,
          () => false,
        );
        await pause(joined ? RENEW_MS : RENEW_MS / 5);
      }
    })();
    return replica;
  }

  /** From now on no request is lost or late, and all replicas are awake and connected. */
  function heal() {
    trouble = 0;
    for (const replica of replicas) {
      replica.cutOff = false;
      replica.asleep = false;
    }
  }

  return { add, heal, replicas, leases };
}

function missing(name: string): ApiError {
  return new ApiError(`leases "${name}" not found`, { status: 404, reason: 'NotFound' });
}

/** A seeded random number generator (Mulberry32). */
export function seeded(seed: number): Chance {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}
