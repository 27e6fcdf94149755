// Watches whether a Flux controller runs in this cluster: while one holds its leader Lease, its objects are left alone.
// The times in the Lease are not used, only the fact that they change.

import {
  type Clock,
  isNewer,
  type LeaseObject,
  type Membership,
  NotOwner,
  REPLICA_LABEL,
  systemClock,
} from '@weir/controller';
import { type KubeClient, Lease, objectKey } from '@weir/kube';
import type { Logger } from '@weir/telemetry';
import type { Settings } from './settings.ts';

export interface FluxLeaders {
  /** Why nothing may be done now, for people; undefined when no Flux controller leads. */
  blocked(): string | undefined;
  /** Calls back when that changes; returns a function that ends the subscription. */
  onChange(callback: () => void): () => void;
  close(): void;
}

export interface FluxLeadersOptions {
  client: KubeClient;
  /** The controllers whose Leases are watched, such as `kustomize-controller`. */
  controllers: readonly string[];
  /** The namespaces of the Leases; when empty, nothing is ever blocked. */
  namespaces: readonly string[];
  log: Logger;
  clock?: Clock;
}

/**
 * The namespaces in which Flux's controllers may run: `--flux-namespaces`, otherwise our own namespace and Flux's usual
 * one.
 */
export function fluxNamespaces(settings: Settings, runtimeNamespace: string): string[] {
  if (settings.get('flux-namespaces') !== undefined) return settings.list('flux-namespaces');
  return [...new Set([runtimeNamespace, 'flux-system'])];
}

interface KnownLease {
  lease: LeaseObject;
  /** When this process first saw the Lease, or saw its last renewal, by the monotonic clock. */
  changedAt: number;
  /** The Lease has expired; only a renewal makes its holder the leader again. */
  ended: boolean;
}

const DEFAULT_DURATION_S = 15;
const RETRY_MS = 1_000;
const UNREAD = 'not read yet';
/** Clocks don't differ by this much, so a Lease with an older renewal belongs to a leader that is gone. */
const ANCIENT_MS = 3_600_000;

/**
 * Watches the leader Leases of Flux controllers (`<controller>-leader-election`, with a hash of the selector if Flux is
 * sharded). Nothing may be done until they have been read. A leader that doesn't renew its Lease for its duration is
 * gone, if another read of the Lease confirms that.
 */
export function watchFluxLeaders(options: FluxLeadersOptions): FluxLeaders {
  const { client, controllers, namespaces, log, clock = systemClock } = options;
  const seen = new Map<string, KnownLease>();
  const unread = new Map(namespaces.map((namespace) => [namespace, UNREAD]));
  const callbacks = new Set<() => void>();
  const stop = new AbortController();
  let stopTimer: (() => void) | undefined;
  let last = blocked();

  function blocked(): string | undefined {
    for (const [namespace, why] of unread) return `the Leases in ${namespace} are ${why}`;
    const [leader] = leaders();
    if (leader === undefined) return undefined;
    const { name } = leader.lease.metadata;
    const { holderIdentity } = leader.lease.spec ?? {};
    return `Flux's ${controllerOf(name)} is at work (Lease ${objectKey(leader.lease)} of ${holderIdentity})`;
  }
  function controllerOf(name: string): string | undefined {
    const [, controller = ''] = /^(.+)-leader-election(-[0-9a-f]{8})?$/.exec(name) ?? [];
    return controllers.includes(controller) ? controller : undefined;
  }
  function leaders(): KnownLease[] {
    return [...seen.values()].filter(({ lease, ended }) => !ended && isHeld(lease, clock.wall()));
  }

  function observe(lease: LeaseObject) {
    if (controllerOf(lease.metadata.name) === undefined) return;
    const key = objectKey(lease);
    const known = seen.get(key);
    if (known !== undefined && !isNewer(lease, known.lease)) return;
    const isRenewal = known === undefined || renewal(lease) !== renewal(known.lease);
    seen.set(
      key,
      isRenewal ? { lease, changedAt: clock.now(), ended: false } : { ...known, lease },
    );
  }
  function update() {
    arm();
    const now = blocked();
    if (now === last) return;
    last = now;
    const isStarting = [...unread.values()].some((why) => why === UNREAD);
    if (now === undefined) log.info('No Flux controller leads: work begins');
    else if (!isStarting) log.warn(`${now}: nothing is done until that ends`);
    for (const callback of callbacks) callback();
  }
  function arm() {
    stopTimer?.();
    stopTimer = undefined;
    const ends = leaders().map(({ lease, changedAt }) => changedAt + durationMs(lease));
    if (ends.length === 0 || stop.signal.aborted) return;
    stopTimer = clock.timer(() => void confirm(), Math.min(...ends) - clock.now());
  }
  /** Reads the Leases again, because the watch may be late: only this read decides that a leader is gone. */
  async function confirm() {
    const asked = clock.now();
    try {
      for (const namespace of new Set([...seen.values()].map(namespaceOf))) {
        const { items } = await client.list<LeaseObject>(Lease, { namespace, signal: stop.signal });
        for (const lease of items) observe(lease);
      }
    } catch (error) {
      if (stop.signal.aborted) return;
      log.debug({ err: error }, 'Leases of Flux controllers not read, trying again');
      stopTimer = clock.timer(() => void confirm(), RETRY_MS);
      return;
    }
    for (const known of seen.values()) {
      if (asked - known.changedAt >= durationMs(known.lease)) known.ended = true;
    }
    update();
  }

  async function follow(namespace: string) {
    const events = client.listWatch<LeaseObject>(Lease, {
      namespace,
      labelSelector: `!${REPLICA_LABEL}`,
      signal: stop.signal,
    });
    for await (const event of events) {
      if (event.type === 'synced') unread.delete(namespace);
      else if (event.type === 'deleted') seen.delete(objectKey(event.object));
      else if (event.type !== 'error') observe(event.object);
      else if (unread.has(namespace)) unread.set(namespace, `not readable: ${event.error.message}`);
      update();
    }
  }

  for (const namespace of namespaces) {
    follow(namespace).catch((error: unknown) => {
      if (!stop.signal.aborted) log.error({ err: error, namespace }, 'Leases no longer watched');
    });
  }
  return {
    blocked,
    onChange(callback) {
      callbacks.add(callback);
      return () => callbacks.delete(callback);
    },
    close() {
      stop.abort();
      stopTimer?.();
    },
  };
}

/** A membership that owns nothing while a Flux controller leads. Closing it closes the watch of the leaders. */
export function yieldToFlux(membership: Membership, leaders: FluxLeaders): Membership {
  return {
    ...membership,
    owns: (key) => leaders.blocked() === undefined && membership.owns(key),
    guard(key) {
      const why = leaders.blocked();
      if (why !== undefined) throw new NotOwner(`${why}: nothing is written`);
      membership.guard(key);
    },
    onChange(callback) {
      const stops = [membership.onChange(callback), leaders.onChange(callback)];
      return () => {
        for (const stop of stops) stop();
      };
    },
    async close() {
      leaders.close();
      await membership.close();
    },
  };
}

/** A leader that stops properly leaves its Lease without a holder. */
function isHeld({ spec }: LeaseObject, wall: number): boolean {
  const renewed = Date.parse(spec?.renewTime ?? '');
  return (spec?.holderIdentity ?? '') !== '' && !(wall - renewed > ANCIENT_MS);
}

function renewal({ spec }: LeaseObject): string {
  return `${spec?.holderIdentity} ${spec?.acquireTime} ${spec?.renewTime}`;
}

function durationMs({ spec }: LeaseObject): number {
  return (spec?.leaseDurationSeconds ?? DEFAULT_DURATION_S) * 1000;
}

function namespaceOf({ lease }: KnownLease): string {
  return lease.metadata.namespace ?? '';
}
