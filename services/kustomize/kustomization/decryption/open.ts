// Opens what decrypts for one build, and asks key management services for it.
import { KmsError, vaultDecrypt } from '@weir/kms';
import { type Connections, keepConnections } from '@weir/net';
import { createDecryption, type Decryption, type UnwrapKey, type WrappedKey } from '@weir/render';
import type { Environment } from '../environment.ts';
import type { Credentials } from './credentials.ts';

/** How long one key may take, whatever its service. Milliseconds. */
const UNWRAP_MS = 30_000;

/** To be closed when the build is over: the keys end with it. */
export function openDecryption(
  { settings, log }: Pick<Environment, 'settings' | 'log'>,
  { keys, vaultToken }: Credentials,
): Decryption {
  const connections = keepConnections({
    allowLocal: settings.allowLocalAddresses,
    environment: process.env,
  });
  const unwrap: UnwrapKey = (key, signal) => {
    const within = AbortSignal.any([signal, AbortSignal.timeout(UNWRAP_MS)]);
    return unwrapKey(key, { vaultToken, connections, signal: within });
  };
  const decryption = createDecryption({ keys, unwrap, log });
  return {
    ...decryption,
    close() {
      decryption.close();
      connections.close();
    },
  };
}

interface UnwrapOptions {
  vaultToken: string | undefined;
  connections: Connections;
  signal: AbortSignal;
}

const SERVICES: Record<WrappedKey['kind'], string> = {
  aws: 'AWS KMS',
  azure: 'Azure Key Vault',
  gcp: 'GCP KMS',
  vault: 'Vault',
};

async function unwrapKey(key: WrappedKey, options: UnwrapOptions): Promise<Buffer> {
  const { vaultToken, connections, signal } = options;
  if (key.kind !== 'vault') {
    throw new KmsError(`keys of ${SERVICES[key.kind]} can't be used by this version`);
  }
  if (vaultToken === undefined) {
    throw new KmsError(
      'there is no token for Vault: add sops.vault-token to the decryption Secret',
    );
  }
  const { address = '', path = '', name, wrapped } = key;
  return vaultDecrypt({ address, path, name }, wrapped, vaultToken, { connections, signal });
}
