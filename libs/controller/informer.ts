// A local copy of all objects of one kind, kept current by a watch, for any number of readers.
import type { KubeClient, KubeObject, ResourceType } from '@weir/kube';
import { objectKey } from '@weir/kube';
import type { Logger } from '@weir/telemetry';
import { isNewer } from './version.ts';

export type ChangeType = 'added' | 'modified' | 'deleted';

export interface Change<T> {
  type: ChangeType;
  object: T;
  /** What we had before; absent on `added`. */
  previous?: T;
}

export interface Informer<T extends KubeObject> {
  /** By `<namespace>/<name>`. Objects are shared: never change one. They have no `managedFields`. */
  get(key: string): T | undefined;
  list(): T[];
  /** Calls back on every change from now on, in order; returns the way to stop that. */
  onChange(callback: (change: Change<T>) => void): () => void;
  /** Resolves after the first complete list; rejects when closed before that. */
  synced(): Promise<void>;
  hasSynced(): boolean;
  /** Takes in what we just wrote, so that nobody acts on less than that; the newer version wins. */
  observe(object: T): void;
  close(): void;
}

export interface InformerOptions {
  namespace?: string;
  labelSelector?: string;
  /** Holds metadata only: for kinds with large or secret content. */
  metadataOnly?: boolean;
  log: Logger;
  signal?: AbortSignal;
}

/** Starts to list and watch at once and goes on for ever; trouble with the watch is logged. */
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
        log.error({ err: error, kind: type.kind }, 'a reader of the informer failed');
      }
    }
  }

  function put(read: T) {
    const object = withoutBookkeeping(read);
    const key = objectKey(object.metadata);
    const previous = store.get(key);
    if (previous && !isNewer(object, previous)) return;
    store.set(key, object);
    // Deleted and made anew while we weren't looking: readers must not take it for the same object.
    if (previous && previous.metadata.uid !== object.metadata.uid) {
      emit({ type: 'deleted', object: previous, previous });
      emit({ type: 'added', object });
    } else {
      emit(previous ? { type: 'modified', object, previous } : { type: 'added', object });
    }
  }

  function remove(object: T) {
    const key = objectKey(object.metadata);
    const previous = store.get(key);
    if (!previous || (previous.metadata.uid !== object.metadata.uid && isNewer(previous, object)))
      return;
    store.delete(key);
    // Not what the watch says: of an object that went while it was away, that is less.
    emit({ type: 'deleted', object: previous, previous });
  }

  async function follow() {
    for await (const event of client.listWatch<T>(type, { ...selection, signal: stopped })) {
      if (event.type === 'synced') {
        synced = true;
        first.resolve();
      } else if (event.type === 'error') {
        log.warn({ kind: type.kind, why: event.error.message }, 'watch interrupted, trying again');
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
      if (!stopped.aborted) log.error({ err: error, kind: type.kind }, 'watch ended');
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
      // Only updates: an object that is gone must not come back by an answer that was under way.
      if (store.has(objectKey(object.metadata))) put(object);
    },
    close: () => stop.abort(),
  };
}

/** Who set which field: often more than the object itself, and nothing that a reader of a cache may rely on. */
function withoutBookkeeping<T extends KubeObject>(object: T): T {
  const { managedFields: _bookkeeping, ...metadata } = object.metadata;
  return { ...object, metadata };
}

export interface Index<T> {
  /** Objects that have this value. */
  get(value: string): T[];
  close(): void;
}

/** An index over an informer, kept current: `valuesOf` says under which values an object is found. */
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
