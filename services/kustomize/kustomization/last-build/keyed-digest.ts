// Digests of manifests and variables that do not reveal them. They are keyed, so that whoever sees a digest can't find
// the value by trying.
import { hash, randomBytes } from 'node:crypto';
import { isAlreadyExists, isNotFound, type KubeClient, readSecret, Secret } from '@weir/kube';

/** Equal for equal JSON and the same key. 24 characters. */
export type KeyedDigest = (value: unknown) => string;

/**
 * The key comes first. The truncation of SHA-512/256 prevents length extension: nobody can compute the digest of a
 * longer value from a digest.
 */
export function createKeyedDigest(key: Uint8Array): KeyedDigest {
  const prefix = Buffer.from(key).toString('hex');
  return (value) =>
    hash('sha512-256', `${prefix}${JSON.stringify(value)}`, 'base64url').slice(0, 24);
}

const SECRET = 'weir-kustomize-digest-key';
const KEY_BYTES = 32;

/**
 * The key that all replicas share: it is in a Secret of the runtime namespace, which is created if it is missing.
 * Rejects with the API server's errors.
 */
export async function sharedKey(client: KubeClient, namespace: string): Promise<Uint8Array> {
  const found = (await readKey(client, namespace)) ?? (await createKey(client, namespace));
  if (found.length < KEY_BYTES) {
    throw new Error(`Secret ${namespace}/${SECRET} holds no key: delete it to have it made anew`);
  }
  return found;
}

async function readKey(client: KubeClient, namespace: string): Promise<Uint8Array | undefined> {
  try {
    const data = await readSecret(client, { namespace, name: SECRET });
    return data.get('key') ?? Buffer.alloc(0);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function createKey(client: KubeClient, namespace: string): Promise<Uint8Array> {
  const key = randomBytes(KEY_BYTES);
  const object = {
    apiVersion: 'v1',
    kind: Secret.kind,
    metadata: { namespace, name: SECRET },
    data: { key: key.toString('base64') },
  };
  try {
    await client.create(Secret, object);
    return key;
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    // Another replica has created the Secret in the meantime.
    return (await readKey(client, namespace)) ?? key;
  }
}
