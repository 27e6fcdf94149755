// The transit engine of OpenBao and HashiCorp Vault (https://openbao.org/api-docs/secret/transit/#decrypt-data).
import type { JsonAnswer } from '@weir/net';
import { ask, type KmsOptions, keyOf } from './ask.ts';
import { KmsError } from './errors.ts';

/** A key of a transit engine. */
export interface VaultKey {
  /** URL of the server. */
  address: string;
  /** The path that the engine is mounted at. */
  path: string;
  name: string;
}

/** Decrypts what was encrypted with the key (`vault:v1:...`). Rejects with a KmsError. */
export async function vaultDecrypt(
  key: VaultKey,
  ciphertext: string,
  token: string,
  options: KmsOptions,
): Promise<Buffer> {
  const url = urlOf(key.address, [key.path, 'decrypt', key.name]);
  if (!/^[\x21-\x7e]{1,8192}$/.test(token)) {
    throw new KmsError('the token for Vault has characters that no token has');
  }
  const answer = await put(url, { ciphertext }, { 'x-vault-token': token }, options);
  return keyOf(Object(Object(answer.body).data).plaintext, `Vault at ${url.origin}`);
}

/**
 * Logs in with the token of a Kubernetes service account, by any method that accepts JWTs (`auth/kubernetes/login`),
 * and returns a token of Vault. Rejects with a KmsError.
 */
export async function vaultLogin(
  {
    address,
    loginPath,
    role,
    jwt,
  }: { address: string; loginPath: string; role: string; jwt: string },
  options: KmsOptions,
): Promise<string> {
  const url = urlOf(address, [loginPath]);
  const answer = await put(url, { role, jwt }, {}, options);
  const token: unknown = Object(Object(answer.body).auth).client_token;
  if (typeof token !== 'string' || token === '') {
    throw new KmsError(`Vault at ${url.origin} gave no token for the role '${role}'`);
  }
  return token;
}

/**
 * The address is checked because it comes from an encrypted file, and so from anybody who may write to a repository.
 */
function urlOf(address: string, paths: readonly string[]): URL {
  const url = URL.parse(address);
  if (
    url === null ||
    !/^https?:$/.test(url.protocol) ||
    url.username !== '' ||
    url.password !== ''
  ) {
    throw new KmsError(
      'the address of the Vault server is no URL such as https://vault.example.com:8200',
    );
  }
  const parts = paths.map((path) => path.split('/').filter((part) => part !== ''));
  const isPlain = parts.every((list) => list.length > 0 && list.every(isPlainPart));
  if (!isPlain) {
    throw new KmsError(
      `Vault at ${url.origin}: the path of the engine and the name of the key are letters, digits, dots, dashes and slashes`,
    );
  }
  const base = url.pathname.replace(/\/+$/, '');
  return new URL(`${base}/v1/${parts.flat().join('/')}`, url.origin);
}

function isPlainPart(part: string): boolean {
  return /^[A-Za-z0-9._-]{1,200}$/.test(part) && !/^\.+$/.test(part);
}

async function put(
  url: URL,
  body: object,
  headers: Record<string, string>,
  options: KmsOptions,
): Promise<JsonAnswer> {
  const service = `Vault at ${url.origin}`;
  const own = async () => ({ 'x-vault-request': 'true', ...headers });
  const answer = await ask({ service, method: 'PUT', url, body, headers: own }, options);
  if (answer.status === 200) return answer;
  throw new KmsError(
    `${service} answered ${answer.status} to ${url.pathname}${advice(answer.status)}`,
  );
}

function advice(status: number): string {
  if (status === 400) return ': it can not decrypt this with that key';
  if (status === 403) return ': the token may not use that key, or has expired';
  if (status === 404) return ': there is no such engine or key';
  return status === 503 ? ': it is sealed or in maintenance' : '';
}
