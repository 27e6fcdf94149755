// Gives each object a path in the archive. A key may be any text, and a path may not.
import { type ListedObject, ObjectStoreError, quoted } from '@weir/objectstore';

/** An object with its path in the archive. */
export interface PlacedObject extends ListedObject {
  path: string;
}

/** The limit of common file systems. */
const MAX_NAME_BYTES = 255;

/**
 * Gives each object its path. As in Flux, a key is read as a path within the archive: `..` leads no further up than the
 * root, and leading or repeated slashes are ignored.
 * @throws ObjectStoreError InvalidAnswer for an object that can't be a file, or conflicts with another one
 */
export function placeObjects(objects: readonly ListedObject[]): PlacedObject[] {
  const keys = new Map<string, string>();
  const placed = objects.map((object) => {
    const path = pathOf(object.key);
    const other = keys.get(path);
    if (other !== undefined) throw conflict(object.key, `is the same file as '${quoted(other)}'`);
    keys.set(path, object.key);
    return { ...object, path };
  });
  checkFolders(keys);
  return placed;
}

/** Refuses a file whose path is also a folder. In sorted order, a path comes before those that it begins. */
function checkFolders(keys: ReadonlyMap<string, string>): void {
  const above: string[] = [];
  for (const path of [...keys.keys()].sort()) {
    while (above.length > 0 && !path.startsWith(above.at(-1) ?? '')) above.pop();
    const file = above.find((it) => path[it.length] === '/');
    if (file !== undefined) {
      const what = `is a file, and a folder with the object '${quoted(keys.get(path) ?? '')}'`;
      throw conflict(keys.get(file) ?? '', what);
    }
    above.push(path);
  }
}

/** A part of a path that is empty or is no name. */
const NO_NAME = /(^|\/)\.{0,2}(\/|$)/;
/** A part of a path that may have more bytes than a name may: a character has four bytes at most. */
const LONG_NAME = /[^/]{64}/;

function pathOf(key: string): string {
  if (key.includes('\0')) throw conflict(key, 'has a NUL in its key');
  if (!NO_NAME.test(key) && !LONG_NAME.test(key)) return key;
  const parts: string[] = [];
  for (const part of key.split('/')) {
    if (Buffer.byteLength(part) > MAX_NAME_BYTES) {
      throw conflict(key, `has a name of more than ${MAX_NAME_BYTES} bytes: file name too long`);
    }
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  if (parts.length === 0) throw conflict(key, 'leads to no file');
  return parts.join('/');
}

function conflict(key: string, what: string): ObjectStoreError {
  return new ObjectStoreError('InvalidAnswer', `failed to get '${quoted(key)}' object: it ${what}`);
}
