/** The index message of an artifact. It is written last, so an artifact with an index is whole. */
export interface BlobIndex {
  /** Bytes of the tar.gz. */
  size: number;
  /** Bytes of all parts. */
  stored: number;
  /** The parts that are objects because they were too large for a message. */
  objects: readonly ('fileIndex' | 'content')[];
  /** The namespaces to whose shares of the store the artifact counts. */
  namespaces: readonly string[];
}

/** Namespaces of one artifact that are recorded, so that an index stays small. */
export const MAX_NAMESPACES = 256;
const MAX_NAME = 63;

/** Parses an index message; undefined for anything else. */
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
    // What is not JSON is no index: the caller reports it.
    return undefined;
  }
}
