// Reads Secrets that several kinds use in the same form. Messages are those of Flux's controllers, and have no value of
// a Secret.
import {
  isNotFound,
  type KubeClient,
  type KubeObject,
  type ObjectRef,
  readTypedSecret,
  ServiceAccount,
  type TypedSecret,
} from '@weir/kube';
import type { TlsOptions } from '@weir/net';

/** A Secret that was read for an object, with its name for messages. */
export interface NamedSecret extends TypedSecret {
  /** `namespace/name`. */
  name: string;
}

const MAX_PROXY_URL = 2048;
/** A service account may name any number of pull secrets; each is a request to the API server. */
const MAX_PULL_SECRETS = 50;

/** @throws Error that names the Secret */
export async function readNamedSecret(
  client: KubeClient,
  ref: ObjectRef,
  signal: AbortSignal,
): Promise<NamedSecret> {
  const name = nameOf(ref);
  try {
    return { ...(await readTypedSecret(client, ref, { signal })), name };
  } catch (cause) {
    if (isNotFound(cause)) throw new Error(`secret '${name}' not found`, { cause });
    throw new Error(`failed to get secret '${name}': ${messageOf(cause)}`, { cause });
  }
}

/**
 * Reads a Secret with credentials. If it is missing, the message is the API server's, as in Flux.
 * @param what its name in messages
 * @throws Error that names the Secret
 */
export async function readLoginSecret(
  client: KubeClient,
  ref: ObjectRef,
  signal: AbortSignal,
  what = 'secret',
): Promise<NamedSecret> {
  try {
    return await readNamedSecret(client, ref, signal);
  } catch (error) {
    const cause = error instanceof Error ? error.cause : error;
    throw new Error(`failed to get ${what} '${nameOf(ref)}': ${messageOf(cause)}`, { cause });
  }
}

/**
 * The image pull secrets of a service account.
 * @throws Error that names the missing object
 */
export async function readPullSecrets(
  client: KubeClient,
  ref: ObjectRef,
  signal: AbortSignal,
): Promise<NamedSecret[]> {
  const { namespace } = ref;
  const name = nameOf(ref);
  type Account = KubeObject & { imagePullSecrets?: { name?: string }[] };
  const account = await client
    .get<Account>(ServiceAccount, ref, { signal })
    .catch((cause: unknown) => {
      if (isNotFound(cause)) throw new Error(`serviceaccount '${name}' not found`, { cause });
      throw new Error(`failed to get serviceaccount '${name}': ${messageOf(cause)}`, { cause });
    });
  const names = (account.imagePullSecrets ?? []).map((secret) => secret.name ?? '');
  if (names.length > MAX_PULL_SECRETS) {
    throw new Error(
      `serviceaccount '${name}' has more than ${MAX_PULL_SECRETS} image pull secrets`,
    );
  }
  const secrets: NamedSecret[] = [];
  for (const secret of names) {
    const own = { ...(namespace === undefined ? {} : { namespace }), name: secret };
    secrets.push(
      await readNamedSecret(client, own, signal).catch((cause: unknown) => {
        const what = `failed to get image pull secret for serviceaccount '${name}'`;
        throw new Error(`${what}: ${messageOf(cause)}`, { cause });
      }),
    );
  }
  return secrets;
}

/**
 * The TLS options in `ca.crt`, `tls.crt` and `tls.key`, or in keys with their older names.
 * @throws Error
 */
export function tlsOf({ data, name }: NamedSecret): Pick<TlsOptions, 'ca' | 'certificate' | 'key'> {
  const text = (key: string, older: string) => {
    const value = data.get(key) ?? data.get(older);
    return value === undefined || value.length === 0 ? undefined : value.toString('utf8');
  };
  const ca = text('ca.crt', 'caFile');
  const certificate = text('tls.crt', 'certFile');
  const key = text('tls.key', 'keyFile');
  if (certificate !== undefined && key === undefined) {
    throw new Error(`secret '${name}' contains 'tls.crt' but missing 'tls.key'`);
  }
  if (certificate === undefined && key !== undefined) {
    throw new Error(`secret '${name}' contains 'tls.key' but missing 'tls.crt'`);
  }
  if (certificate === undefined && ca === undefined) {
    throw new Error(
      `secret '${name}' must contain either 'ca.crt' or both 'tls.crt' and 'tls.key'`,
    );
  }
  return { ca, certificate, key };
}

/**
 * The URL of a proxy with its credentials, from `address`, `username` and `password`.
 * @throws Error
 */
export function proxyOf({ data, name }: NamedSecret): string {
  const address = data.get('address')?.toString('utf8');
  if (address === undefined) throw new Error(`secret '${name}': key 'address' not found`);
  if (address === '') throw new Error(`secret '${name}': proxy address is empty`);
  if (address.length > MAX_PROXY_URL) {
    const what = `proxy URL exceeds maximum length of ${MAX_PROXY_URL} characters`;
    throw new Error(`secret '${name}': ${what}`);
  }
  // The address may contain a password, so it isn't quoted.
  if (!URL.canParse(address)) throw new Error(`secret '${name}': the proxy address is no URL`);
  const url = new URL(address);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new Error(`secret '${name}': proxy URL must use one of the schemes http, https`);
  }
  const username = data.get('username')?.toString('utf8');
  const password = data.get('password')?.toString('utf8');
  if (username !== undefined) {
    url.username = encodeURIComponent(username);
    url.password = encodeURIComponent(password ?? '');
  }
  return url.href;
}

function nameOf({ namespace, name }: ObjectRef): string {
  return `${namespace}/${name}`;
}

/** The message of anything that was thrown. */
function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
