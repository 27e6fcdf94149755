// Asks a key management service to unwrap a data key, with the credentials of the decryption Secret or of the account.
// Messages begin with those of SOPS.
import {
  type AwsKeys,
  awsAssumeRole,
  awsDecrypt,
  awsKeyRegion,
  azureDecrypt,
  azureVaultScope,
  gcpDecrypt,
  KmsError,
  type KmsOptions,
  vaultDecrypt,
} from '@weir/kms';
import type { Connections } from '@weir/net';
import type { UnwrapKey, WrappedKey } from '@weir/render';
import type { Credentials } from './credentials.ts';
import type { DecryptionServices } from './services.ts';
import { vaultTokens } from './vault.ts';

/** For one build. Rejects with a KmsError whose message shows nothing of a key, a token or an answer. */
export function createUnwrap(
  services: DecryptionServices,
  { clouds, vaultToken, account }: Credentials,
  connections: Connections,
): UnwrapKey {
  const { identities, endpoints } = services;
  const vaultTokenOf = vaultTokens(services, account);
  const roles = new Map<string, Promise<AwsKeys>>();

  async function aws({ name: arn, role, context, wrapped }: WrappedKey, options: KmsOptions) {
    const region = awsKeyRegion(arn);
    const keys = role ? await asRole(role, region, options) : await awsKeys(region, options);
    return awsDecrypt({ arn, context }, wrapped, keys, {
      ...options,
      endpoint: endpoints['aws-kms'],
    });
  }

  async function awsKeys(region: string, { signal }: KmsOptions): Promise<AwsKeys> {
    const subject = { provider: 'aws' as const, ...account };
    return clouds.aws ?? identities.awsCredentials(subject, { region }, signal);
  }

  /** The credentials of a role are the same for all files of a build, so they are asked for once. */
  function asRole(role: string, region: string, options: KmsOptions): Promise<AwsKeys> {
    const id = JSON.stringify([role, region]);
    const known = roles.get(id);
    if (known !== undefined) return known;
    const endpoint = endpoints['aws-sts'];
    const asked = awsKeys(region, options).then((keys) =>
      awsAssumeRole({ role, region }, keys, { ...options, endpoint }),
    );
    roles.set(id, asked);
    asked.catch(() => roles.delete(id));
    return asked;
  }

  async function gcp({ name, wrapped }: WrappedKey, options: KmsOptions): Promise<Buffer> {
    const { signal } = options;
    const subject = { provider: 'gcp' as const, ...account };
    const token = clouds.gcp
      ? await services.googleToken(clouds.gcp)(signal)
      : (await identities.accessToken(subject, {}, signal)).token;
    return gcpDecrypt(name, wrapped, token, { ...options, endpoint: endpoints['gcp-kms'] });
  }

  async function azure(key: WrappedKey, options: KmsOptions): Promise<Buffer> {
    const { address = '', name, version, wrapped } = key;
    const { signal } = options;
    const trusted = endpoints['azure-key-vault'];
    const scope = azureVaultScope(address, trusted);
    const subject = { provider: 'azure' as const, ...account };
    const token = clouds.azure
      ? await services.azureToken(clouds.azure, scope)(signal)
      : (await identities.accessToken(subject, { scope }, signal)).token;
    return azureDecrypt({ address, name, version }, wrapped, token, { ...options, trusted });
  }

  async function vault(key: WrappedKey, options: KmsOptions): Promise<Buffer> {
    const { address = '', path = '', name, wrapped } = key;
    const token = vaultToken ?? (await vaultTokenOf(address, options));
    if (token === undefined) {
      throw new KmsError(
        'there is no token for Vault: add sops.vault-token to the decryption Secret, or have an account log in (transit-engine.auth.fluxcd.io/login-path and role, or --sops-vault-configmap)',
      );
    }
    return vaultDecrypt({ address, path, name }, wrapped, token, options);
  }

  const kinds: Record<WrappedKey['kind'], Kind> = {
    aws: { what: () => 'AWS KMS', decrypt: aws },
    gcp: { what: () => 'GCP KMS key', decrypt: gcp },
    azure: {
      what: ({ address, name, version }) =>
        `Azure Key Vault key '${address}/keys/${name}/${version}'`,
      decrypt: azure,
    },
    vault: { what: () => 'Vault', decrypt: vault },
  };

  return async (key, signal) => {
    const { what, decrypt } = kinds[key.kind];
    try {
      return await decrypt(key, { connections, signal });
    } catch (cause) {
      throw failureOf(what(key), cause, signal);
    }
  };
}

interface Kind {
  what(key: WrappedKey): string;
  decrypt(key: WrappedKey, options: KmsOptions): Promise<Buffer>;
}

/**
 * The message of an error that arrives here has no secrets. That of an aborted signal says nothing useful, so another
 * one is used.
 */
function failureOf(what: string, cause: unknown, signal: AbortSignal): KmsError {
  const isLate = signal.aborted;
  const own = cause instanceof Error && cause !== signal.reason ? cause.message : undefined;
  const why = own ?? 'no answer in time';
  return new KmsError(`failed to decrypt sops data key with ${what}: ${why}`, { cause, isLate });
}
