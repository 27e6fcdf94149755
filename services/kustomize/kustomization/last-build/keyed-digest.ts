// Digests that stand for manifests and variables without giving them away. They are keyed, so that nobody who sees one
// can try values until one fits.
import { hash, randomBytes } from 'node:crypto';
import { isAlreadyExists, isNotFound, type KubeClient, readSecret, Secret } from '@weir/kube';

/** The same for equal JSON and the same key. 24 characters. */
export type KeyedDigest = (value: unknown) => string;

/** The key comes first: nobody can continue SHA-512/256 from its result to digest more (length extension). */
export function createKeyedDigest(key: Uint8Array): KeyedDigest {
  const prefix = Buffer.from(key).toString('hex');
  return (value) =>
    hash('sha512-256', `${prefix}${JSON.stringify(value)}`, 'base64url').slice(0, 24);
}

const SECRET = 'weir-kustomize-digest-key';
const KEY_BYTES = 32;

/**
 * The key that all replicas share, from a Secret in the runtime namespace, which is made where it is missing.
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
    // Another replica was faster.
    return (await readKey(client, namespace)) ?? key;
  }
}
