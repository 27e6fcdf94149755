// A local copy of all objects of one kind, kept current by a watch, for any number of readers.
import type { DeletedObject, KubeClient, KubeObject, ResourceType } from '@weir/kube';
import { objectKey } from '@weir/kube';
import type { Logger } from '@weir/telemetry';
import { isNewer } from './version.ts';

export type ChangeType = 'added' | 'modified' | 'deleted';

export interface Change<T> {
  type: ChangeType;
  object: T;
  /** The object before the change; absent on `added`. */
  previous?: T;
}

export interface Informer<T extends KubeObject> {
  /** Finds an object by `<namespace>/<name>`. Objects are shared and must not be changed. They have no `managedFields`. */
  get(key: string): T | undefined;
  list(): T[];
  /** Calls back on every change from now on, in order. Returns a function that ends the subscription. */
  onChange(callback: (change: Change<T>) => void): () => void;
  /** Resolves after the first complete list. Rejects when the informer is closed before that. */
  synced(): Promise<void>;
  hasSynced(): boolean;
  /** Stores the result of a write of this process, so that nobody acts on an older version; the newer version wins. */
  observe(object: T): void;
  close(): void;
}

export interface InformerOptions {
  namespace?: string;
  labelSelector?: string;
  /** Reads and keeps metadata only, for kinds with large or secret content. */
  metadataOnly?: boolean;
  log: Logger;
  signal?: AbortSignal;
}

/** Starts to list and watch at once, and goes on until it is closed. Failures of the watch are logged and retried. */
export function createInformer<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType,
  options: InformerOptions,
): Informer<T> {
  const { log, signal, ...selection } = options;
  const store = new Map<string, T>();
  const callbacks = new Set<(change: Change<T>) => void>();
  const stop = new AbortController();
  const stopped = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const first = Promise.withResolvers<void>();
  let synced = false;
  first.promise.catch(() => undefined);

  function emit(change: Change<T>) {
    for (const callback of callbacks) {
      try {
        callback(change);
      } catch (error) {
        log.error({ err: error, kind: type.kind }, 'A subscriber of the informer failed');
      }
    }
  }

  function put(read: T) {
    const object = withoutBookkeeping(read);
    const key = objectKey(object.metadata);
    const previous = store.get(key);
    if (previous && !isNewer(object, previous)) return;
    store.set(key, object);
    // The object was deleted and created again between two reads: readers must not take it for the same object.
    if (previous && previous.metadata.uid !== object.metadata.uid) {
      emit({ type: 'deleted', object: previous, previous });
      emit({ type: 'added', object });
    } else {
      emit(previous ? { type: 'modified', object, previous } : { type: 'added', object });
    }
  }

  function remove(object: DeletedObject) {
    const key = objectKey(object.metadata);
    const previous = store.get(key);
    if (!previous || (previous.metadata.uid !== object.metadata.uid && isNewer(previous, object)))
      return;
    store.delete(key);
    // Subscribers get the stored object, because the watch may know only identity and labels of a deleted one.
    emit({ type: 'deleted', object: previous, previous });
  }

  async function follow() {
    for await (const event of client.listWatch<T>(type, { ...selection, signal: stopped })) {
      if (event.type === 'synced') {
        synced = true;
        first.resolve();
      } else if (event.type === 'error') {
        log.warn({ kind: type.kind, why: event.error.message }, 'Watch interrupted, trying again');
      } else if (event.type === 'deleted') {
        remove(event.object);
      } else {
        put(event.object);
      }
    }
  }

  follow().then(
    () => first.reject(new Error(`informer for ${type.kind} closed`)),
    (error: unknown) => {
      if (!stopped.aborted) log.error({ err: error, kind: type.kind }, 'Watch ended');
      first.reject(error);
    },
  );

  return {
    get: (key) => store.get(key),
    list: () => [...store.values()],
    onChange(callback) {
      callbacks.add(callback);
      return () => callbacks.delete(callback);
    },
    synced: () => first.promise,
    hasSynced: () => synced,
    observe(object) {
      // Only known objects are updated: an object that was deleted meanwhile must not come back by a late answer.
      if (store.has(objectKey(object.metadata))) put(object);
    },
    close: () => stop.abort(),
  };
}

/** Drops `managedFields`, which are often larger than the rest of the object and which no reader of a cache needs. */
function withoutBookkeeping<T extends KubeObject>(object: T): T {
  const { managedFields: _bookkeeping, ...metadata } = object.metadata;
  return { ...object, metadata };
}

export interface Index<T> {
  /** The objects that are indexed under this value. */
  get(value: string): T[];
  close(): void;
}

/** An index over an informer that follows its changes. `valuesOf` returns the values under which an object is found. */
export function indexBy<T extends KubeObject>(
  informer: Informer<T>,
  valuesOf: (object: T) => Iterable<string>,
): Index<T> {
  const keys = new Map<string, Set<string>>();

  function add(object: T) {
    for (const value of valuesOf(object)) {
      const set = keys.get(value);
      if (set) set.add(objectKey(object.metadata));
      else keys.set(value, new Set([objectKey(object.metadata)]));
    }
  }

  function drop(object: T) {
    for (const value of valuesOf(object)) {
      const set = keys.get(value);
      set?.delete(objectKey(object.metadata));
      if (set?.size === 0) keys.delete(value);
    }
  }

  for (const object of informer.list()) add(object);
  const close = informer.onChange(({ type, object, previous }) => {
    if (previous) drop(previous);
    if (type !== 'deleted') add(object);
  });
  return {
    get: (value) => [...(keys.get(value) ?? [])].flatMap((key) => informer.get(key) ?? []),
    close,
  };
}
