// What all builds share to ask key management services: identities, tokens for credentials of Secrets, and the
// services' endpoints.
import type { Endpoints, Identities } from '@weir/identity';
import { GCP_KMS_SCOPE } from '@weir/kms';
import type { KubeClient } from '@weir/kube';
import { keepConnections } from '@weir/net';
import {
  azureToken,
  createTokenCache,
  type GoogleKey,
  googleToken,
  managedIdentityToken,
  type TokenSource,
} from '@weir/oauth';
import type { AzureLogin } from './cloud-keys.ts';

export interface DecryptionServices {
  client: KubeClient;
  /** These use the operator's default account for decryption. */
  identities: Identities;
  endpoints: Endpoints;
  /** `<namespace>/<name>` of the ConfigMap with the Vaults that accounts may log in to; undefined for none. */
  vaultConfigMap: { namespace: string; name: string } | undefined;
  /** Tokens for credentials of a Secret; they are kept until they expire. */
  azureToken(login: AzureLogin, scope: string): TokenSource;
  googleToken(key: GoogleKey): TokenSource;
  close(): void;
}

export interface ServicesOptions
  extends Pick<DecryptionServices, 'client' | 'identities' | 'endpoints' | 'vaultConfigMap'> {
  allowLocal: boolean;
  /** The proxies of the operator. */
  environment: NodeJS.ProcessEnv;
}

/** Tokens that are kept. */
const KEPT = 500;

export function createDecryptionServices(options: ServicesOptions): DecryptionServices {
  const { client, identities, endpoints, vaultConfigMap, allowLocal, environment } = options;
  const connections = keepConnections({ allowLocal, environment });
  // The metadata service has a local address, and the operator trusts it.
  const machine = keepConnections({ allowLocal: true });
  const metadata = endpoints['azure-metadata'];
  const cached = createTokenCache({ max: KEPT });

  return {
    ...{ client, identities, endpoints, vaultConfigMap },
    azureToken: (login, scope) => (signal) =>
      cached(
        ['azure', login, scope],
        (asking) =>
          'tenantId' in login
            ? azureToken(login, scope, { connections, signal: asking })
            : managedIdentityToken({ ...login, metadata }, scope, {
                connections: machine,
                signal: asking,
              }),
        signal,
      ),
    googleToken: (key) => (signal) =>
      cached(
        ['gcp', key],
        (asking) => googleToken(key, GCP_KMS_SCOPE, { connections, signal: asking }),
        signal,
      ),
    close() {
      connections.close();
      machine.close();
    },
  };
}
