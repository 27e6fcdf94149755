import { createHash } from 'node:crypto';
import { interrupted } from './deadline.ts';
import { algorithmOf } from './digest.ts';
import { OciError } from './errors.ts';
import type { Descriptor } from './manifest.ts';
import { pullScope } from './scope.ts';
import type { Session } from './session.ts';

/** Reads a blob piece by piece, and checks size and digest meanwhile. See `Registry.blob`. */
export async function* readBlob(
  session: Session,
  name: string,
  { digest, size }: Descriptor,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const algorithm = algorithmOf(digest);
  const path = `${name}/blobs/${digest}`;
  const { response, what } = await session.request({
    ...{ method: 'GET' as const, path, scope: pullScope(name), signal },
  });
  const hash = createHash(algorithm);
  let read = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      read += chunk.length;
      if (read > size) {
        throw new OciError('DigestMismatch', `${what}: the blob has more than its ${size} bytes`);
      }
      hash.update(chunk);
      yield chunk;
    }
  } catch (cause) {
    if (cause instanceof OciError) throw cause;
    throw interrupted(what, signal, cause);
  } finally {
    response.destroy();
  }
  if (read < size) {
    throw new OciError('Truncated', `${what}: the blob ended after ${read} of ${size} bytes`);
  }
  const actual = `${algorithm}:${hash.digest('hex')}`;
  if (actual !== digest) {
    const message = `error verifying ${algorithm} checksum after reading ${size} bytes; got ${JSON.stringify(actual)}, want ${JSON.stringify(digest)}`;
    throw new OciError('DigestMismatch', `${what}: ${message}`);
  }
}
