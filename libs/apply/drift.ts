// Notices when somebody else changes or deletes an object that we applied, and knows which objects nobody has changed.
import type { KubeClient, KubeObject, ResourceType } from '@weir/kube';
import { aborted } from './aborted.ts';
import type { ManagerRule } from './field-managers.ts';
import { fingerprint, foreignManagers } from './fingerprint.ts';
import { inventoryId } from './inventory.ts';
import { createKindWatches, idIn, type ObjectEvent } from './kind-watches.ts';
import { type Owner, ownerKeyOf } from './labels.ts';
import { isMarked, type ObjectId, subjectOf } from './objects.ts';
import { leftAlone } from './plan.ts';

/** An object in the state in which it has to stay. */
export interface Tracked {
  type: ResourceType;
  /** The object in the API server's answer when it was last applied or compared. */
  object: KubeObject;
  /** A digest of the manifest that it was applied from. */
  manifest?: string;
  /** The object may disappear by itself (a Job with a TTL): that is no drift. */
  mayVanish?: boolean;
}

/**
 * What is known of an object since it was last applied. It has nothing of the object's content, so it may be stored.
 */
export interface LastApplied {
  type: ResourceType;
  namespace: string;
  name: string;
  uid: string;
  fingerprint: string;
  manifest: string;
  /** The version that was last seen healthy. */
  healthy?: string;
  mayVanish?: boolean;
}

export interface Drift {
  /** `<namespace>/<name>` of the owner. */
  owner: string;
  id: ObjectId;
  /** An object that has lost its owner label leaves the watch, and counts as `gone` too. */
  what: 'changed' | 'gone';
  /** The field managers that must not be on the object, where such managers are the drift. */
  managers: string[];
  /** The object's metadata as it is now, or as it was before the object was deleted. */
  object: KubeObject;
}

export interface DriftWatchOptions {
  /** The owner of the watched objects: the prefix of their owner labels, and the field manager that applied them. */
  owner: Pick<Owner, 'group' | 'fieldManager'>;
  rules: readonly ManagerRule[];
  /** By which operations our field manager writes; server-side applies when not given. */
  operations?: readonly ('Apply' | 'Update')[];
  /** Labels or annotations with which a user takes an object out of the drift watch; those of an apply when not given. */
  leftAlone?: Readonly<Record<string, string>>;
  /** Called when a watch fails, for example because a kind may not be watched or a connection was lost. */
  onError(type: ResourceType, error: Error): void;
}

export interface DriftWatch {
  /**
   * Calls back when an object is no longer as it was applied. It calls back once, however often the object changes, until
   * the object is applied again or is as it was. Returns a function that ends the subscription.
   */
  onDrift(listener: (drift: Drift) => void): () => void;
  /**
   * Announces that the owner is about to write. Changes of its objects are kept until `track`, and then compared with
   * the state after the writes.
   */
  hold(owner: string): void;
  /** Replaces what is watched for the owner, and ends its hold. Objects in `kept` were not read again and stay as they are. */
  track(owner: string, objects: readonly Tracked[], kept?: readonly ObjectId[]): void;
  /**
   * Continues from what an earlier process knew. No object counts as intact before the watch of its kind has shown it.
   */
  resume(owner: string, objects: readonly LastApplied[]): void;
  /** Resolves when the watches of all the owner's kinds have shown what is there, or the signal aborts. */
  settled(owner: string, signal: AbortSignal): Promise<void>;
  /** Ends a hold without new states: changes that were kept are compared with the states from before the hold. */
  release(owner: string): void;
  /** Forgets the owner. */
  untrack(owner: string): void;
  /** Whether anything is tracked for the owner. */
  tracks(owner: string): boolean;
  /** The object's UID if it is certain that the object is as this manifest was applied; else undefined. */
  intact(id: ObjectId, manifest: string): string | undefined;
  /** Whether it is certain that each object of the owner is as it was applied, or has disappeared as it may. */
  allIntact(owner: string): boolean;
  /** What is known of the owner's objects. */
  lastApplied(owner: string): LastApplied[];
  /** Remembers the version in which an object was healthy. */
  markHealthy(id: ObjectId, resourceVersion: string): void;
  /** Whether the object was healthy at the last check and has not changed since. */
  isHealthy(id: ObjectId): boolean;
  /** Whether the watches show every change of the object, those of its status included. */
  watches(id: ObjectId): boolean;
  /** The newest version seen. */
  newest(id: ObjectId): bigint | undefined;
  /** Calls back at each change of the object. Returns a function that ends the subscription. */
  onObjectChange(id: ObjectId, callback: () => void): () => void;
  /** The owners for whom anything is tracked. */
  owners(): string[];
  /** How much is watched, for metrics. */
  size(): { objects: number; kinds: number };
  close(): Promise<void>;
}

/** The state in which an object is expected. */
interface Expected {
  owner: string;
  id: ObjectId;
  type: ResourceType;
  uid: string | undefined;
  /** Events up to this version led to the expected state, and are no drift. */
  resourceVersion: bigint;
  fingerprint: string;
  manifest: string | undefined;
  healthy: bigint | undefined;
  mayVanish: boolean;
  /** Its drift was published, and has not been corrected yet. */
  isPublished: boolean;
}

/** Starts with nothing to watch; watches open and close with what is tracked. */
export function createDriftWatch(client: KubeClient, options: DriftWatchOptions): DriftWatch {
  const { owner: identity, rules, operations, onError } = options;
  const { leftAlone: ignored = leftAlone(identity) } = options;
  const digestOf = (object: KubeObject) => fingerprint(object, identity, rules, operations);
  const listeners = new Set<(drift: Drift) => void>();
  const expected = new Map<string, Expected>();
  const owned = new Map<string, Map<string, Expected>>();
  const held = new Map<string, Map<string, ObjectEvent>>();
  const watches = createKindWatches(client, {
    labelSelector: `${identity.group}/name`,
    fingerprint: digestOf,
    onEvent: judge,
    onError,
  });

  function judge(event: ObjectEvent): void {
    const key = inventoryId(event.id);
    const { id, object, gone } = event;
    const state = expected.get(key);
    // An event of an object that isn't tracked yet is kept as well, since its owner may be about to track it.
    const hold = held.get(state?.owner ?? ownerKeyOf(object, identity.group) ?? '');
    if (hold !== undefined) {
      hold.set(key, event);
      return;
    }
    // A read from before the deletion may have been recorded after it, while the deletion was kept.
    if (gone) watches.forget(id, object.metadata.uid);
    if (state === undefined) return;
    if (gone ? !isLoss(object, state) : !isChanged(state)) {
      state.isPublished = false;
      return;
    }
    // After somebody has changed an object its controller writes the status several times. All these events are one drift.
    if (state.isPublished || isMarked(object, ignored)) return;
    state.isPublished = true;
    const managers = foreignManagers(object, rules);
    const what = gone ? 'gone' : 'changed';
    for (const listener of listeners) listener({ owner: state.owner, id, what, managers, object });
  }
  function isChanged({ id, resourceVersion, fingerprint }: Expected): boolean {
    const seen = watches.seen(id);
    if (seen === undefined) return true;
    return seen.resourceVersion > resourceVersion && seen.fingerprint !== fingerprint;
  }
  function isIntact(state: Expected): boolean {
    return (
      watches.isSynced(state.id) && watches.seen(state.id)?.uid === state.uid && !isChanged(state)
    );
  }

  function hasVanished({ id, mayVanish }: Expected): boolean {
    return mayVanish && watches.isSynced(id) && watches.seen(id) === undefined;
  }

  function replace(owner: string, objects: readonly Expected[]): void {
    const before = owned.get(owner) ?? new Map<string, Expected>();
    const now = new Map(objects.map((state) => [inventoryId(state.id), state]));
    for (const state of now.values()) expected.set(inventoryId(state.id), state);
    for (const [key, { type }] of before) {
      if (!now.has(key) && expected.get(key)?.owner === owner) expected.delete(key);
      watches.drop(type);
    }
    if (now.size === 0) owned.delete(owner);
    else owned.set(owner, now);
  }
  function expect(owner: string, { type, object, manifest, mayVanish = false }: Tracked): Expected {
    watches.retain(type);
    const id = idIn(type, object);
    const seen = {
      uid: object.metadata.uid,
      resourceVersion: BigInt(object.metadata.resourceVersion ?? 0),
      fingerprint: digestOf(object),
    };
    watches.observe(id, seen);
    return {
      ...{ owner, id, type, ...seen, manifest, mayVanish },
      ...{ healthy: undefined, isPublished: false },
    };
  }
  function keep(owner: string, id: ObjectId): Expected[] {
    const state = owned.get(owner)?.get(inventoryId(id));
    if (state === undefined) return [];
    state.isPublished = false;
    watches.retain(state.type);
    return [state];
  }
  function release(owner: string): void {
    const events = held.get(owner);
    held.delete(owner);
    for (const event of events?.values() ?? []) judge(event);
  }
  function states(owner: string): Expected[] {
    return [...(owned.get(owner)?.values() ?? [])];
  }

  return {
    onDrift(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    hold: (owner) => held.set(owner, held.get(owner) ?? new Map()),
    track(owner, objects, kept = []) {
      const looked = objects.map((tracked) => expect(owner, tracked));
      replace(owner, [...kept.flatMap((id) => keep(owner, id)), ...looked]);
      release(owner);
    },
    resume(owner, objects) {
      replace(
        owner,
        objects.map((last) => {
          watches.retain(last.type);
          return expectedFrom(owner, last);
        }),
      );
    },
    async settled(owner, signal) {
      const all = states(owner).map(({ type }) => watches.synced(type));
      await Promise.race([Promise.all(all), aborted(signal)]);
    },
    release,
    untrack(owner) {
      held.delete(owner);
      replace(owner, []);
    },
    tracks: (owner) => owned.has(owner),
    intact(id, manifest) {
      const state = expected.get(inventoryId(id));
      return state?.manifest === manifest && isIntact(state) ? state.uid : undefined;
    },
    allIntact: (owner) =>
      owned.has(owner) && states(owner).every((state) => isIntact(state) || hasVanished(state)),
    lastApplied: (owner) => states(owner).flatMap(recordOf),
    markHealthy(id, resourceVersion) {
      const state = expected.get(inventoryId(id));
      if (state !== undefined) state.healthy = BigInt(resourceVersion);
    },
    isHealthy(id) {
      const state = expected.get(inventoryId(id));
      return (
        state?.healthy !== undefined &&
        watches.isSynced(id) &&
        watches.seen(id)?.resourceVersion === state.healthy
      );
    },
    newest: (id) => watches.seen(id)?.resourceVersion,
    watches: (id) => expected.has(inventoryId(id)) && watches.isSynced(id),
    onObjectChange: watches.onObjectChange,
    owners: () => [...owned.keys()],
    size: () => ({ objects: expected.size, kinds: watches.size() }),
    close: watches.close,
  };
}

/** A deletion that was found by comparing lists shows an old version of the object. Only its UID tells which object is gone. */
function isLoss({ metadata }: KubeObject, { uid, mayVanish }: Expected): boolean {
  return metadata.uid === uid && !mayVanish;
}

function recordOf(state: Expected): LastApplied[] {
  const { id, type, uid, fingerprint, manifest, healthy, mayVanish } = state;
  if (manifest === undefined || uid === undefined) return [];
  const { namespace, name } = id;
  return [
    {
      type,
      namespace,
      name,
      uid,
      fingerprint,
      manifest,
      ...(healthy === undefined ? {} : { healthy: String(healthy) }),
      ...(mayVanish ? { mayVanish } : {}),
    },
  ];
}

function expectedFrom(owner: string, last: LastApplied): Expected {
  const { type, namespace, name, healthy, mayVanish = false } = last;
  const id = { group: type.group, kind: type.kind, namespace, name };
  return {
    owner,
    id,
    type,
    uid: last.uid,
    // Every event is compared, whatever its version, because versions go back when a cluster is restored from a backup.
    resourceVersion: 0n,
    fingerprint: last.fingerprint,
    manifest: last.manifest,
    healthy: healthy === undefined ? undefined : BigInt(healthy),
    mayVanish,
    isPublished: false,
  };
}

/** `Deployment/apps/web changed by kubectl-edit` */
export function formatDrift({ id, what, managers }: Drift): string {
  const by = managers.length === 0 ? '' : ` by ${managers.join(', ')}`;
  return `${subjectOf(id)} ${what}${by}`;
}
