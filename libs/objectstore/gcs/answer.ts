// Answers of the JSON API of Google Cloud Storage ("Objects: list", "Objects: get", "HTTP status and error codes for JSON").
import type { IncomingMessage } from 'node:http';
import type { ListedObject } from '../bucket.ts';
import { ObjectStoreError, quoted } from '../errors.ts';
import type { Page } from '../pages.ts';
import { notAnObjectStore, textOf } from '../request.ts';

type Json = Record<string, unknown>;

/**
 * The answer as an object. An answer with another status than 200 is thrown as an error.
 * @throws ObjectStoreError
 */
export async function jsonOf(
  answer: IncomingMessage,
  missing: 'BucketMissing' | 'ObjectMissing',
  signal: AbortSignal,
): Promise<Json> {
  const { statusCode: status } = answer;
  const json = parsed(await textOf(answer, signal));
  if (status === 200 && json !== undefined) return json;
  const { code, message } = Object(json?.error) as Json;
  if (status === 200 || code !== status || typeof message !== 'string') {
    throw notAnObjectStore(status, 'Google Cloud Storage');
  }
  if (status === 404) throw new ObjectStoreError(missing, quoted(message));
  throw new ObjectStoreError('Refused', quoted(message) || `HTTP status ${status}`);
}

function parsed(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Json)
      : undefined;
  } catch {
    return undefined;
  }
}

/** @throws ObjectStoreError InvalidAnswer for what is no list */
export function pageOf({ kind, items = [], nextPageToken }: Json): Page {
  if (kind !== 'storage#objects' || !Array.isArray(items)) {
    const what = 'the endpoint did not answer with a list of objects: is it an object store?';
    throw new ObjectStoreError('InvalidAnswer', what);
  }
  const next = nextPageToken === undefined ? undefined : String(nextPageToken);
  return { objects: items.map(objectOf), next };
}

/** @throws ObjectStoreError InvalidAnswer for what is no object */
export function objectOf(item: unknown): ListedObject & { version: string } {
  const { name, etag, size, generation } = Object(item) as Json;
  if (typeof name !== 'string' || !/^\d{1,20}$/.test(String(generation))) {
    throw new ObjectStoreError(
      'InvalidAnswer',
      'an object in the answer has no name or generation',
    );
  }
  const bytes = Number(size);
  return {
    key: name,
    etag: typeof etag === 'string' ? etag : '',
    size: Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : 0,
    version: String(generation),
  };
}
