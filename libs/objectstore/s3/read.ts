import type { GetObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import type { ObjectContent } from '../bucket.ts';
import { failureOf } from './failure.ts';

/** Opens an object with a request GetObject; see `Bucket.read`. */
export async function readObject(
  client: S3Client,
  { bucket, key, etag }: { bucket: string; key: string; etag: string | undefined },
  signal: AbortSignal,
): Promise<ObjectContent> {
  const { GetObjectCommand } = await import('./sdk.ts');
  const command = new GetObjectCommand({
    Bucket: bucket,
    Key: key,
    ...(etag ? { IfMatch: `"${etag}"` } : {}),
  });
  let answer: GetObjectCommandOutput;
  try {
    answer = await client.send(command, { abortSignal: signal });
  } catch (error) {
    throw failureOf(error, signal);
  }
  const body = answer.Body as AsyncIterable<Uint8Array> & { destroy?(): void };
  const close = () => body.destroy?.();
  return {
    etag: answer.ETag?.replace(/^"|"$/g, '') ?? etag ?? '',
    size: answer.ContentLength,
    content: checked(body, signal),
    close,
  };
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
