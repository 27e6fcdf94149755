import type { GetObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import type { ObjectContent } from '../bucket.ts';
import type { DirectRead } from './direct.ts';
import { failureOf } from './failure.ts';

/**
 * Opens an object; see `Bucket.read`. If the direct request brings no object, the SDK's GetObject follows: it tries
 * again, corrects for a wrong clock, and explains failures.
 */
export async function readObject(
  { client, direct }: { client: S3Client; direct: DirectRead },
  { bucket, key, etag }: { bucket: string; key: string; etag: string | undefined },
  signal: AbortSignal,
): Promise<ObjectContent> {
  const answer = await direct(key, etag, signal);
  if (answer !== undefined) {
    const { etag: tag, 'content-length': length } = answer.headers;
    return contentOf(answer, { tag, size: length === undefined ? undefined : Number(length) });
  }
  const { GetObjectCommand } = await import('./sdk.ts');
  const command = new GetObjectCommand({
    Bucket: bucket,
    Key: key,
    ...(etag ? { IfMatch: `"${etag}"` } : {}),
  });
  let output: GetObjectCommandOutput;
  try {
    output = await client.send(command, { abortSignal: signal });
  } catch (error) {
    throw failureOf(error, signal);
  }
  const body = output.Body as AsyncIterable<Uint8Array> & { destroy?(): void };
  return contentOf(body, { tag: output.ETag, size: output.ContentLength });

  function contentOf(
    content: AsyncIterable<Uint8Array> & { destroy?(): void },
    { tag, size }: { tag: string | undefined; size: number | undefined },
  ): ObjectContent {
    return {
      etag: tag?.replace(/^"|"$/g, '') ?? etag ?? '',
      size,
      content: checked(content, signal),
      close: () => void content.destroy?.(),
    };
  }
}

async function* checked(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw failureOf(error, signal);
  }
}
