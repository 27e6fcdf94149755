import type { KubeClient } from './client.ts';
import type { KubeObject, ObjectRef } from './object.ts';
import { Secret } from './resources.ts';

/** The data of a Secret by key, decoded from base64. */
export type SecretData = ReadonlyMap<string, Buffer>;

/** Reads all data of a Secret. Rejects as `get` does (NotFound, Forbidden, ...). No message contains a value. */
export async function readSecret(
  client: KubeClient,
  ref: ObjectRef,
  options: { signal?: AbortSignal } = {},
): Promise<SecretData> {
  const secret = await client.get<KubeObject & { data?: Record<string, string> }>(
    Secret,
    ref,
    options,
  );
  const entries = Object.entries(secret.data ?? {});
  return new Map(entries.map(([key, value]) => [key, Buffer.from(value, 'base64')]));
}
