import type { KubeClient } from './client.ts';
import type { KubeObject, ObjectRef } from './object.ts';
import { Secret } from './resources.ts';

/** The data of a Secret by key, decoded. */
export type SecretData = ReadonlyMap<string, Buffer>;

/** Reads a Secret whole. Rejects as `get` does: NotFound, Forbidden. The values go into no message. */
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
