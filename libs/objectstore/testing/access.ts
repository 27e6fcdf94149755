import assert from 'node:assert/strict';
import type { Bucket, ListedObject, ReadOptions } from '../bucket.ts';
import { ObjectStoreError } from '../errors.ts';

const signal = AbortSignal.timeout(60_000);

/** Short words for tests that ask a bucket: each opens one with the options given, and closes it. */
export function accessTo<Options>(open: (options: Partial<Options>) => Bucket) {
  async function use<T>(options: Partial<Options>, work: (bucket: Bucket) => Promise<T>) {
    const bucket = open(options);
    try {
      return await work(bucket);
    } finally {
      bucket.close();
    }
  }
  return {
    use,
    list: (options: Partial<Options> = {}, prefix = '') =>
      use(options, async (bucket) => {
        const found: ListedObject[] = [];
        for await (const page of bucket.list(prefix, { signal })) found.push(...page);
        return found;
      }),
    read: (key: string, state: Omit<ReadOptions, 'signal'> = {}, options: Partial<Options> = {}) =>
      use(options, async (bucket) => {
        const { content, etag } = await bucket.read(key, { signal, ...state });
        let text = '';
        for await (const chunk of content) text += Buffer.from(chunk).toString();
        return { text, etag };
      }),
  };
}

/** The reason and the message with which an object store refuses. */
export async function failure(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  assert.ok(error instanceof ObjectStoreError, String(error));
  return `${error.reason}: ${error.message}`;
}
