// The transit engine of OpenBao and HashiCorp Vault (https://openbao.org/api-docs/secret/transit/#decrypt-data).
import { type Connections, connectionProblem, exchangeJson, type JsonAnswer } from '@weir/net';
import { KmsError } from './errors.ts';

/** A key of a transit engine. */
export interface VaultKey {
  /** URL of the server. */
  address: string;
  /** Where the engine is mounted. */
  path: string;
  name: string;
}

export interface VaultOptions {
  connections: Connections;
  signal: AbortSignal;
}

/** Decrypts what the key encrypted (`vault:v1:...`). Rejects with a KmsError. */
export async function vaultDecrypt(
  key: VaultKey,
  ciphertext: string,
  token: string,
  options: VaultOptions,
): Promise<Buffer> {
  const url = urlOf(key.address, [key.path, 'decrypt', key.name]);
  if (!/^[\x21-\x7e]{1,8192}$/.test(token)) {
    throw new KmsError('the token for Vault has characters that no token has');
  }
  const answer = await ask(url, { ciphertext }, { 'x-vault-token': token }, options);
  const plaintext = (answer.body as { data?: { plaintext?: unknown } } | undefined)?.data
    ?.plaintext;
  if (typeof plaintext !== 'string' || plaintext === '') {
    throw new KmsError(`Vault at ${url.origin} gave no plain text`);
  }
  return Buffer.from(plaintext, 'base64');
}

/**
 * Logs in with a token of a Kubernetes account by any method that takes JWTs (`auth/kubernetes/login`). Gives a token of
 * Vault. Rejects with a KmsError.
 */
export async function vaultLogin(
  {
    address,
    loginPath,
    role,
    jwt,
  }: { address: string; loginPath: string; role: string; jwt: string },
  options: VaultOptions,
): Promise<string> {
  const url = urlOf(address, [loginPath]);
  const answer = await ask(url, { role, jwt }, {}, options);
  const token = (answer.body as { auth?: { client_token?: unknown } } | undefined)?.auth
    ?.client_token;
  if (typeof token !== 'string' || token === '') {
    throw new KmsError(`Vault at ${url.origin} gave no token for the role '${role}'`);
  }
  return token;
}

/** The address comes from an encrypted file, and so from whoever may write into a repository. */
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

async function ask(
  url: URL,
  body: object,
  headers: Record<string, string>,
  { connections, signal }: VaultOptions,
): Promise<JsonAnswer> {
  let answer: JsonAnswer;
  try {
    answer = await exchangeJson(connections, {
      method: 'PUT',
      url,
      body,
      headers: { 'x-vault-request': 'true', ...headers },
      signal,
    });
  } catch (cause) {
    if (signal.aborted)
      throw new KmsError(`Vault at ${url.origin} did not answer in time`, { cause });
    throw new KmsError(`Vault at ${url.origin}: ${connectionProblem(cause)}`, { cause });
  }
  if (answer.status === 200) return answer;
  throw new KmsError(
    `Vault at ${url.origin} answered ${answer.status} to ${url.pathname}${advice(answer.status)}`,
  );
}

function advice(status: number): string {
  if (status === 400) return ': it can not decrypt this with that key';
  if (status === 403) return ': the token may not use that key, or has expired';
  if (status === 404) return ': there is no such engine or key';
  return status === 503 ? ': it is sealed or in maintenance' : '';
}
