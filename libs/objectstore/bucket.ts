// What every object store offers, whatever protocol it speaks.
import { ObjectStoreError } from './errors.ts';

export interface ListedObject {
  key: string;
  /** As the store's own clients show it: without quotation marks for S3, with them for Azure. */
  etag: string;
  /** Bytes. */
  size: number;
  /** What names this state of the object for a store that doesn't take its ETag for that (Google's generation). */
  version?: string;
}

/** An object that is being read. */
export interface ObjectContent {
  /** Of what is read, in the form of the list; as it was asked for where the server doesn't say. */
  etag: string;
  /** Bytes, where the server says how many. */
  size: number | undefined;
  /** The content, once. Fails with ObjectStoreError, also when it ends too early. */
  content: AsyncIterable<Uint8Array>;
  /** Ends an object that isn't read to its end. */
  close(): void;
}

export interface ListLimits {
  /** Objects of all pages. */
  maxObjects: number;
  /** Bytes of the keys of all pages. */
  maxKeyBytes: number;
}

export interface ReadOptions {
  signal: AbortSignal;
  /** Of the state that is wanted, as the list had it. */
  etag?: string;
  version?: string | undefined;
}

/** A bucket that is read. The server is first asked with the first call. All reject with ObjectStoreError. */
export interface Bucket {
  /** Lists the objects under a prefix, page by page, in the order of the server. */
  list(
    prefix: string,
    options: { signal: AbortSignal; limits?: Partial<ListLimits> },
  ): AsyncGenerator<ListedObject[]>;
  /**
   * Opens an object. With an ETag only if the object still has that one, else it rejects with ObjectChanged. The content
   * is to be read to its end, or closed.
   */
  read(key: string, options: ReadOptions): Promise<ObjectContent>;
  /** Closes the connections that nobody uses. */
  close(): void;
}

/** What ended a call: the caller's signal. */
export function abortedBy(signal: AbortSignal): ObjectStoreError {
  const why = signal.reason instanceof Error ? signal.reason.message : 'it was cancelled';
  return new ObjectStoreError('Aborted', why, signal.reason);
}
