import { type DeletedObject, type KubeObject, type ObjectMeta, objectKey } from './object.ts';

export type Change<T> =
  | { type: 'added' | 'modified'; object: T }
  | { type: 'deleted'; object: DeletedObject };

/**
 * Remembers which objects one listWatch has reported to its consumer. It turns whatever the server sends (lists
 * after a gap, repeated or resumed watch events) into a consistent sequence of changes: no object is added twice,
 * modified before it was added, or deleted before it was added. When an object was replaced by another one of the
 * same name, the old one is reported as deleted first.
 */
export interface ChangeTracker<T> {
  /** The server sent this object, in a list or a watch event. Returns what is new about it. */
  observed(object: T): Change<T>[];
  /** The server sent the deletion of this object. Returns nothing when the consumer doesn't know the object. */
  removed(object: T): Change<T>[];
  /** Starts a complete list: each object that is not observed() before endList() no longer exists. */
  beginList(): void;
  /** Ends the list and returns the deletions that follow from it. */
  endList(): Change<T>[];
}

/**
 * The tracker keeps only the identity, labels and annotations of each object. The consumer usually keeps the whole
 * object, so keeping it here as well would take the memory twice.
 */
export function createChangeTracker<T extends KubeObject>(): ChangeTracker<T> {
  const known = new Map<string, DeletedObject>();
  /** Keys of the objects that the list under way has contained so far; undefined when no list is under way. */
  let seen: Set<string> | undefined;

  return {
    observed(object) {
      const key = objectKey(object);
      seen?.add(key);
      const before = known.get(key);
      known.set(key, identityOf(object));
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
    removed(object) {
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

function identityOf({ apiVersion, kind, metadata }: KubeObject): DeletedObject {
  return { apiVersion, kind, metadata: pick(metadata) };
}

/** Copies only the fields that are set, because an absent field and an undefined one compare differently. */
function pick(metadata: ObjectMeta): DeletedObject['metadata'] {
  const { namespace, name, uid, resourceVersion, labels, annotations } = metadata;
  return {
    name,
    ...(namespace !== undefined && { namespace }),
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
    ...(labels !== undefined && { labels }),
    ...(annotations !== undefined && { annotations }),
  };
}
