import { type KubeObject, objectKey } from './object.ts';

export interface Change<T> {
  type: 'added' | 'modified' | 'deleted';
  object: T;
}

/**
 * What a consumer of one listWatch has been told so far. It turns whatever a server says (lists after a gap,
 * repeated or resumed watch events) into changes that fit together: nothing is added twice, modified or
 * deleted before it was added, and an object that was replaced by another of its name is deleted first.
 */
export interface Ledger<T> {
  /** The object is there as it is here. */
  present(object: T): Change<T>[];
  /** It is gone; `object` is its last state. */
  gone(object: T): Change<T>[];
  /** A full list begins: what is not present()ed until endList() is gone. */
  beginList(): void;
  endList(): Change<T>[];
}

/**
 * Of each object it keeps what `remains` of it: what a consumer is told of one that went while nobody
 * looked. Whole objects would be in memory twice, here and with the consumer.
 */
export function createLedger<T extends KubeObject>(): Ledger<T> {
  const known = new Map<string, T>();
  /** Keys that the list of now has shown; undefined between lists. */
  let seen: Set<string> | undefined;

  return {
    present(object) {
      const key = objectKey(object);
      seen?.add(key);
      const before = known.get(key);
      known.set(key, remains(object));
      if (before === undefined) return [{ type: 'added', object }];
      if (before.metadata.uid !== object.metadata.uid) {
        return [
          { type: 'deleted', object: before },
          { type: 'added', object },
        ];
      }
      if (before.metadata.resourceVersion === object.metadata.resourceVersion) return [];
      return [{ type: 'modified', object }];
    },
    gone(object) {
      const key = objectKey(object);
      const before = known.get(key);
      if (before === undefined || before.metadata.uid !== object.metadata.uid) return [];
      known.delete(key);
      return [{ type: 'deleted', object }];
    },
    beginList() {
      seen = new Set();
    },
    endList() {
      const missing = [...known].filter(([key]) => seen?.has(key) === false);
      for (const [key] of missing) known.delete(key);
      seen = undefined;
      return missing.map(([, object]) => ({ type: 'deleted', object }));
    },
  };
}

/** Which object it was, and how it was labelled. */
function remains<T extends KubeObject>({ apiVersion, kind, metadata }: T): T {
  const { namespace, name, uid, resourceVersion, labels, annotations } = metadata;
  const kept = { name, uid, resourceVersion, labels, annotations };
  return {
    apiVersion,
    kind,
    metadata: namespace === undefined ? kept : { namespace, ...kept },
  } as T;
}
