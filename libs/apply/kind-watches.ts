// One watch for each kind, of metadata only, over the objects of all owners. It remembers what it has seen of each object, so
// that callers can wait for a change, or ask whether there was one.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { KubeClient, KubeObject, ResourceType } from '@weir/kube';
import { inventoryId } from './inventory.ts';
import { type ObjectId, type ObjectTarget, targetOf } from './objects.ts';

/** The last seen state of an object; it takes about 250 bytes. */
export interface Seen {
  uid: string | undefined;
  resourceVersion: bigint;
  fingerprint: string;
}

/** A change of a watched object, or its deletion. */
export interface ObjectEvent {
  id: ObjectId;
  object: KubeObject;
  gone: boolean;
}

export interface KindWatchOptions {
  /** Which objects are watched. */
  labelSelector: string;
  fingerprint(object: KubeObject): string;
  onEvent(event: ObjectEvent): void;
  /** Called when a watch fails, for example because a kind may not be watched or a connection was lost. */
  onError(type: ResourceType, error: Error): void;
}

export interface KindWatches {
  /** Opens the kind's watch for its first object. */
  retain(type: ResourceType): void;
  /** Closes it with its last one. */
  drop(type: ResourceType): void;
  /** The last seen state of the object; undefined when it is gone, or was never seen. */
  seen(id: ObjectId): Seen | undefined;
  /** Adds an object that was just read or written, if its kind is watched. The newer version wins. */
  observe(id: ObjectId, seen: Seen): void;
  /** Removes the state of an object that is gone; that of another UID stays. */
  forget(id: ObjectId, uid: string | undefined): void;
  /** Whether the first list of the kind is complete. An object that was not seen then doesn't exist. */
  isSynced(id: Pick<ObjectId, 'group' | 'kind'>): boolean;
  /** Resolves when the first list of the kind is complete. It never resolves where the kind may not be watched. */
  synced(type: ResourceType): Promise<void>;
  /** Calls back at each change of the object. Returns a function that ends the subscription. */
  onObjectChange(id: ObjectId, callback: () => void): () => void;
  /** How many kinds are watched. */
  size(): number;
  close(): Promise<void>;
}

interface KindWatch {
  stop: AbortController;
  ended: Promise<void>;
  synced: PromiseWithResolvers<void>;
  isSynced: boolean;
  retained: number;
  /** By namespace and name, which identify an object of one kind. */
  seen: Map<string, Seen>;
  /** What the first list and the watch have shown so far; only kept until the list is complete. */
  listed: Set<string>;
}

/** Starts with nothing to watch. */
export function createKindWatches(client: KubeClient, options: KindWatchOptions): KindWatches {
  const watches = new Map<string, KindWatch>();
  const listeners = new Map<string, Set<() => void>>();
  // A watch outlives the run that opens it, so it is opened outside of the trace of that run.
  const outside = AsyncLocalStorage.snapshot();

  function open(type: ResourceType): KindWatch {
    const watch: KindWatch = {
      stop: new AbortController(),
      ended: Promise.resolve(),
      synced: Promise.withResolvers(),
      isSynced: false,
      retained: 0,
      seen: new Map(),
      listed: new Set(),
    };
    watch.ended = follow(type, watch);
    return watch;
  }

  async function follow(type: ResourceType, watch: KindWatch): Promise<void> {
    const { signal } = watch.stop;
    const { labelSelector } = options;
    try {
      const events = client.listWatch(type, { labelSelector, metadataOnly: true, signal });
      for await (const event of events) {
        if (event.type === 'error') options.onError(type, event.error);
        else if (event.type === 'synced') sync(type, watch, BigInt(event.resourceVersion));
        else take(type, watch, event.object, event.type === 'deleted');
      }
    } catch (error) {
      if (signal.aborted) return;
      options.onError(type, error instanceof Error ? error : new Error(String(error)));
    }
  }

  function sync(type: ResourceType, watch: KindWatch, resourceVersion: bigint): void {
    if (watch.isSynced) return;
    const { listed, seen } = watch;
    watch.isSynced = true;
    watch.synced.resolve();
    // An object that was written before the list and isn't in it was deleted in between. No event of the watch will show that.
    const lost = [...seen].filter(
      ([place, { resourceVersion: version }]) => version <= resourceVersion && !listed.has(place),
    );
    listed.clear();
    for (const [place, { uid }] of lost) take(type, watch, remains(type, place, uid), true);
  }

  function take(type: ResourceType, watch: KindWatch, object: KubeObject, gone: boolean): void {
    const id = idIn(type, object);
    const place = placeOf(id);
    if (!watch.isSynced) watch.listed.add(place);
    // A late event of a deleted object is ignored when another object has its name now.
    if (!gone) put(watch, place, seenIn(object));
    else forget(watch, place, object.metadata.uid);
    options.onEvent({ id, object, gone });
    for (const listener of listeners.get(inventoryId(id)) ?? []) listener();
  }

  function forget({ seen }: KindWatch, place: string, uid: string | undefined): void {
    if (seen.get(place)?.uid === uid) seen.delete(place);
  }

  function put({ seen }: KindWatch, place: string, now: Seen): void {
    const before = seen.get(place);
    if (before === undefined || before.resourceVersion <= now.resourceVersion) seen.set(place, now);
  }

  function seenIn(object: KubeObject): Seen {
    const { uid, resourceVersion = 0 } = object.metadata;
    const fingerprint = options.fingerprint(object);
    return { uid, resourceVersion: BigInt(resourceVersion), fingerprint };
  }

  return {
    retain(type) {
      const watch = watches.get(kindKey(type)) ?? outside(open, type);
      watch.retained++;
      watches.set(kindKey(type), watch);
    },
    drop(type) {
      const watch = watches.get(kindKey(type));
      if (watch === undefined || --watch.retained > 0) return;
      watches.delete(kindKey(type));
      watch.stop.abort();
    },
    seen: (id) => watches.get(kindKey(id))?.seen.get(placeOf(id)),
    observe(id, seen) {
      const watch = watches.get(kindKey(id));
      if (watch !== undefined) put(watch, placeOf(id), seen);
    },
    forget(id, uid) {
      const watch = watches.get(kindKey(id));
      if (watch !== undefined) forget(watch, placeOf(id), uid);
    },
    isSynced: (type) => watches.get(kindKey(type))?.isSynced ?? false,
    synced: (type) => watches.get(kindKey(type))?.synced.promise ?? Promise.resolve(),
    onObjectChange(id, callback) {
      const key = inventoryId(id);
      const those = listeners.get(key) ?? new Set();
      listeners.set(key, those.add(callback));
      return () => {
        those.delete(callback);
        if (those.size === 0 && listeners.get(key) === those) listeners.delete(key);
      };
    },
    size: () => watches.size,
    async close() {
      const all = [...watches.values()];
      watches.clear();
      for (const { stop } of all) stop.abort();
      await Promise.all(all.map(({ ended }) => ended));
    },
  };
}

/** The object's id with the group and kind of the type, since the answers to a watch of metadata need not contain them. */
export function idIn({ group, kind }: ResourceType, object: KubeObject): ObjectId {
  const { namespace, name }: ObjectTarget = targetOf(object);
  return { group, kind, namespace, name };
}

/** What is known of an object that is gone. */
function remains(type: ResourceType, place: string, uid: string | undefined): KubeObject {
  const [namespace = '', name = ''] = place.split('/');
  const apiVersion = type.group === '' ? type.version : `${type.group}/${type.version}`;
  const metadata = { name, ...(namespace && { namespace }), ...(uid !== undefined && { uid }) };
  return { apiVersion, kind: type.kind, metadata };
}

function kindKey({ group, kind }: Pick<ObjectId, 'group' | 'kind'>): string {
  return `${group}/${kind}`;
}

function placeOf({ namespace, name }: Pick<ObjectId, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}
