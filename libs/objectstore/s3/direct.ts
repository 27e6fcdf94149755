// Reads objects with requests that are made here and signed by the vendor's package: the SDK takes most of a
// millisecond for each, which is most of the cost of the first fetch of a bucket of small objects.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { S3Client } from '@aws-sdk/client-s3';
import { type Connections, discard } from '@weir/net';
import { objectSigner } from '@weir/net/aws-signature';
import { isPathStyle } from './address.ts';

export interface DirectOptions {
  connections: Connections;
  endpoint: URL;
  bucket: string;
  /** Whether requests aren't signed. */
  isPublic: boolean;
}

/** Requests an object once, in this state if an ETag is given. Undefined for any answer but the object. */
export type DirectRead = (
  key: string,
  etag: string | undefined,
  signal: AbortSignal,
) => Promise<IncomingMessage | undefined>;

/** A name that can be part of a host's name; for all others the SDK has rules. */
const HOST_PART = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;

/** @param client the SDK's, which knows region, keys and the clock of the object store */
export async function createDirectRead(
  { config }: S3Client,
  { connections, endpoint, bucket, isPublic }: DirectOptions,
): Promise<DirectRead> {
  const isInPath = isPathStyle(endpoint, bucket);
  if (!isInPath && !HOST_PART.test(bucket)) return async () => undefined;
  const origin = new URL(isInPath ? endpoint : `${endpoint.protocol}//${bucket}.${endpoint.host}`);
  const folder = isInPath ? `/${bucket}` : '';
  const sign = await objectSigner(() => config.credentials(), await config.region());

  return async (key, etag, signal) => {
    const path = `${folder}/${encoded(key)}`;
    const wanted = etag ? { 'if-match': `"${etag}"` } : {};
    try {
      const date = new Date(Date.now() + config.systemClockOffset);
      const headers = isPublic ? wanted : await sign({ origin, path, headers: wanted, date });
      const request = await connections.open(origin, { method: 'GET', path, headers, signal });
      // The connection may still break while the content is read; the reader gets that error.
      request.on('error', () => undefined);
      request.end();
      const [answer] = (await once(request, 'response')) as [IncomingMessage];
      if (answer.statusCode === 200) return answer;
      discard(answer);
      return undefined;
    } catch {
      // The SDK tries again where that may help, and its error is reported.
      return undefined;
    }
  };
}

/** Encodes by RFC 3986 as S3 signs it: everything but the slashes of a key. */
function encoded(key: string): string {
  return encodeURIComponent(key).replace(/%2F|[!'()*]/g, (char) =>
    char === '%2F' ? '/' : `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
