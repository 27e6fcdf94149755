// Azure Key Vault (https://learn.microsoft.com/rest/api/keyvault/keys/decrypt).
import { ask, type KmsOptions, keyOf, wordOf } from './ask.ts';
import { KmsError } from './errors.ts';

export interface AzureVaultKey {
  /** URL of the vault. */
  address: string;
  name: string;
  /** The newest version unless given. */
  version?: string | undefined;
}

export interface AzureVaultOptions extends KmsOptions {
  /** URL of a vault that the operator trusts like those of Azure. */
  trusted?: string | undefined;
}

/** The domains of vaults in each of Azure's clouds. Only Microsoft can serve hosts below them. */
const CLOUDS = [
  'vault.azure.net',
  'managedhsm.azure.net',
  'vault.azure.cn',
  'managedhsm.azure.cn',
  'vault.usgovcloudapi.net',
  'managedhsm.usgovcloudapi.net',
];
const VERSION = '7.4';
const ALGORITHM = 'RSA-OAEP-256';

/**
 * The scope of the token for a vault. The address comes from an encrypted file: a token for a host that is not Azure's
 * would go to anybody who may write to a repository.
 * @throws KmsError for a host that does not belong to Azure Key Vault
 */
export function azureVaultScope(address: string, trusted?: string): string {
  if (isTrusted(address, trusted)) return `https://${CLOUDS[0]}/.default`;
  const url = URL.parse(address);
  const cloud = CLOUDS.find((it) => isVaultOf(it, url?.hostname ?? ''));
  if (url?.protocol !== 'https:' || url.port !== '' || url.username || cloud === undefined) {
    const what =
      'the vault of the key has no address of Azure Key Vault, such as https://name.vault.azure.net';
    throw new KmsError(what);
  }
  return `https://${cloud}/.default`;
}

function isVaultOf(cloud: string, host: string): boolean {
  return host.endsWith(`.${cloud}`) && /^[a-z0-9-]{1,127}$/.test(host.slice(0, -cloud.length - 1));
}

function isTrusted(address: string, trusted: string | undefined): boolean {
  return trusted !== undefined && address.replace(/\/+$/, '') === trusted.replace(/\/+$/, '');
}

/**
 * Decrypts what was encrypted with the key.
 * @param ciphertext base64url, without padding
 * @throws KmsError
 */
export async function azureDecrypt(
  { address, name, version = '' }: AzureVaultKey,
  ciphertext: string,
  token: string,
  { trusted, ...options }: AzureVaultOptions,
): Promise<Buffer> {
  azureVaultScope(address, trusted);
  if (!/^[A-Za-z0-9-]{1,127}$/.test(name) || !/^[A-Za-z0-9]{0,64}$/.test(version)) {
    throw new KmsError('the name or the version of the key is none of Azure Key Vault');
  }
  if (!/^[A-Za-z0-9_-]{1,4000}$/.test(ciphertext)) {
    throw new KmsError('the wrapped key is not base64, or too long');
  }
  const url = new URL(`/keys/${name}${version && `/${version}`}/decrypt`, address);
  url.searchParams.set('api-version', VERSION);
  const service = `Azure Key Vault at ${url.host}`;
  const headers = async () => ({ authorization: `Bearer ${token}` });
  const body = { alg: ALGORITHM, value: ciphertext };
  const answer = await ask({ service, method: 'POST', url, headers, body }, options);
  if (answer.status === 200) return keyOf(Object(answer.body).value, service);
  const { code } = Object(Object(answer.body).error);
  const advice = ADVICE[answer.status] ?? '';
  throw new KmsError(`${service} answered ${answer.status}${wordOf(code)}${advice}`);
}

const ADVICE: Readonly<Record<number, string>> = {
  400: ': it can not decrypt this with that key',
  401: ': the token is not valid for this vault',
  403: ': the identity may not use that key (keys/decrypt), or the vault is closed to this network',
  404: ': there is no such key',
};
