// The interface of every object store, whatever its protocol is.
import { ObjectStoreError } from './errors.ts';

export interface ListedObject {
  key: string;
  /** In the form of the store's own clients: without quotation marks for S3, with them for Azure. */
  etag: string;
  /** Bytes. */
  size: number;
  /** Identifies this state of the object in a store that doesn't accept its ETag for that (Google's generation). */
  version?: string;
}

/** An object that is being read. */
export interface ObjectContent {
  /** The ETag of the content, in the form of the list; the requested one if the server doesn't send any. */
  etag: string;
  /** Bytes, where the server says how many. */
  size: number | undefined;
  /** The content, to be read once. It fails with ObjectStoreError, also when it ends too early. */
  content: AsyncIterable<Uint8Array>;
  /** Ends the transfer of an object that isn't read to its end. */
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
  /** The ETag of the wanted state, from the list. */
  etag?: string;
  version?: string | undefined;
}

/** A bucket to read from. The first call sends the first request. All methods reject with ObjectStoreError. */
export interface Bucket {
  /** Lists the objects under a prefix, page by page, in the order of the server. */
  list(
    prefix: string,
    options: { signal: AbortSignal; limits?: Partial<ListLimits> },
  ): AsyncGenerator<ListedObject[]>;
  /**
   * Opens an object. With an ETag it rejects with ObjectChanged unless the object still has that ETag. The content has
   * to be read to its end, or closed.
   */
  read(key: string, options: ReadOptions): Promise<ObjectContent>;
  /** Closes the connections that nobody uses. */
  close(): void;
}

/** The error of a call that the caller's signal has ended. */
export function abortedBy(signal: AbortSignal): ObjectStoreError {
  const why = signal.reason instanceof Error ? signal.reason.message : 'it was cancelled';
  return new ObjectStoreError('Aborted', why, signal.reason);
}
