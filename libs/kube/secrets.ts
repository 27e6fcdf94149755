import type { KubeClient } from './client.ts';
import type { KubeObject, ObjectRef } from './object.ts';
import { Secret } from './resources.ts';

/** The data of a Secret by key, decoded from base64. */
export type SecretData = ReadonlyMap<string, Buffer>;

export interface TypedSecret {
  /** `kubernetes.io/dockerconfigjson` and the like; `Opaque` where the Secret names none. */
  type: string;
  data: SecretData;
}

/** Reads all data of a Secret. Rejects as `get` does (NotFound, Forbidden, ...). No message contains a value. */
export async function readSecret(
  client: KubeClient,
  ref: ObjectRef,
  options: { signal?: AbortSignal } = {},
): Promise<SecretData> {
  return (await readTypedSecret(client, ref, options)).data;
}

/** Reads the type and all data of a Secret, as `readSecret` does. */
export async function readTypedSecret(
  client: KubeClient,
  ref: ObjectRef,
  options: { signal?: AbortSignal } = {},
): Promise<TypedSecret> {
  const secret = await client.get<KubeObject & { type?: string; data?: Record<string, string> }>(
    Secret,
    ref,
    options,
  );
  const entries = Object.entries(secret.data ?? {});
  return {
    type: secret.type ?? 'Opaque',
    data: new Map(entries.map(([key, value]) => [key, Buffer.from(value, 'base64')])),
  };
}
