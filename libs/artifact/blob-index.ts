/** What the index message of an artifact holds. It is written last: with it the artifact is whole. */
export interface BlobIndex {
  /** Bytes of the tar.gz. */
  size: number;
  /** Bytes of all parts. */
  stored: number;
  /** The parts that were too large for a message and are objects. */
  objects: readonly ('fileIndex' | 'content')[];
  /** The namespaces whose share of the store it counts to. */
  namespaces: readonly string[];
}

/** So many namespaces of one artifact are remembered: an index stays small. */
export const MAX_NAMESPACES = 256;
const MAX_NAME = 63;

/** The index that a message holds; undefined for anything else. */
export function parseIndex(bytes: Uint8Array): BlobIndex | undefined {
  const value = parseJson(bytes);
  if (typeof value !== 'object' || value === null) return undefined;
  const { size, stored, objects, namespaces } = value as Partial<Record<keyof BlobIndex, unknown>>;
  if (!isSize(size) || !isSize(stored)) return undefined;
  if (!Array.isArray(objects) || !Array.isArray(namespaces)) return undefined;
  if (!objects.every((part) => part === 'fileIndex' || part === 'content')) return undefined;
  if (namespaces.length > MAX_NAMESPACES) return undefined;
  if (!namespaces.every((name) => typeof name === 'string' && name.length <= MAX_NAME)) {
    return undefined;
  }
  return { size, stored, objects, namespaces };
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    // What is no JSON is no index either: the caller reports it.
    return undefined;
  }
}
