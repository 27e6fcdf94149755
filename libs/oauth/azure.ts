// Tokens of Microsoft Entra: "OAuth 2.0 client credentials flow on the Microsoft identity platform", and of managed
// identities: "How to use managed identities for Azure resources on an Azure VM to acquire an access token".
import { staysPrivate } from '@weir/net';
import { assertionOf } from './assertion.ts';
import { TokenError } from './errors.ts';
import { getToken, postForm } from './exchange.ts';
import type { AccessToken, TokenRequest } from './token.ts';

/** How an application proves its identity. */
export type AzureProof =
  | { clientSecret: string }
  | {
      /** PEM: the certificate, followed by the other certificates of its chain, and its private key. */
      certificate: string;
      /** The password of the private key, if the key is encrypted. */
      password?: string | undefined;
      /** Whether the chain is sent too, for applications that trust an issuer and a subject name. */
      sendChain?: boolean | undefined;
    };

export type AzureKey = AzureProof & {
  tenantId: string;
  clientId: string;
  /** URL of the authority; that of the public cloud unless given. */
  authorityHost?: string | undefined;
};

const PUBLIC_AUTHORITY = 'https://login.microsoftonline.com/';
const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const METADATA = 'http://169.254.169.254';
const METADATA_VERSION = '2018-02-01';

/**
 * Requests a token for an application.
 * @param scope such as `https://storage.azure.com/.default`
 * @throws TokenError, also for a certificate or a host that can't be used
 */
export async function azureToken(
  key: AzureKey,
  scope: string,
  request: TokenRequest,
): Promise<AccessToken> {
  const { tenantId, clientId } = key;
  const url = endpointOf(key.authorityHost ?? PUBLIC_AUTHORITY, tenantId);
  const proof =
    'clientSecret' in key
      ? { client_secret: key.clientSecret }
      : {
          client_assertion_type: JWT_BEARER,
          client_assertion: assertionOf(key, { audience: url.href, clientId }),
        };
  return postForm(
    url,
    { grant_type: 'client_credentials', client_id: clientId, scope, ...proof },
    request,
  );
}

function endpointOf(authorityHost: string, tenantId: string): URL {
  const url = URL.parse(authorityHost);
  if (url === null || !staysPrivate(url) || url.username !== '' || url.password !== '') {
    throw new TokenError(
      'the authority host is no URL such as https://login.microsoftonline.com/: it has to begin with https',
    );
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9.-]{0,253}$/.test(tenantId)) {
    throw new TokenError('the tenant id has characters that no tenant id has');
  }
  return new URL(`/${tenantId}/oauth2/v2.0/token`, url.origin);
}

/**
 * Requests a token for a managed identity of the machine that this process runs on.
 * @param metadata URL of the metadata service; that of Azure unless given
 * @throws TokenError
 */
export async function managedIdentityToken(
  { clientId, metadata = METADATA }: { clientId: string; metadata?: string | undefined },
  scope: string,
  request: TokenRequest,
): Promise<AccessToken> {
  const url = new URL(`${metadata.replace(/\/+$/, '')}/metadata/identity/oauth2/token`);
  url.searchParams.set('api-version', METADATA_VERSION);
  url.searchParams.set('resource', scope.replace(/\/\.default$/, ''));
  url.searchParams.set('client_id', clientId);
  return getToken(url, { metadata: 'true' }, request);
}
