// Buckets that are containers of Azure Blob Storage, opened with what a Secret holds (an application, a managed
// identity, an account key or a shared access signature) or with a workload identity.
import { type Bucket, Reason } from '@weir/api';
import type { NamedSecret } from '@weir/credentials';
import type { Identities, Subject } from '@weir/identity';
import { keepConnections } from '@weir/net';
import { type AzureKey, azureToken, keepToken, managedIdentityToken } from '@weir/oauth';
import { type AzureCredentials, isAzureBlobEndpoint, openBlobContainer } from '@weir/objectstore';
import { digestOf } from '../shared/keys.ts';
import { fetchFailure } from '../shared/snapshots.ts';
import { type Network, plainName, type Remote, type Secrets, subjectOf } from './remote.ts';

const SCOPE = 'https://storage.azure.com/.default';
/** The name of the metadata service among the operator's endpoints. */
const METADATA = 'azure-metadata';

/** The login that a Secret describes. */
type Login = AzureKey | { clientId: string } | { accountKey: string } | { sas: string };

/** @throws Failure AuthenticationFailed */
export function azureRemote(
  object: Bucket,
  { login: secret, proxy, tls }: Secrets,
  identities: Identities,
): Remote {
  const { bucketName: container, endpoint } = object.spec;
  const login = secret && loginOf(secret);
  const subject = subjectOf(object, 'azure', { proxy, tls });
  return {
    bucket: container,
    key: digestOf(['azure', endpoint, container, login ?? subject, proxy, tls]),
    open(network) {
      const { allowLocal, environment } = network;
      const options = { endpoint, container, tls, proxy, allowLocal, environment };
      const way = { ...network, endpoint, tls, proxy };
      const credentials = login ? credentialsOf(login, way) : identityOf(subject, identities, way);
      return openBlobContainer({ ...options, credentials });
    },
  };
}

/** @throws Failure AuthenticationFailed */
function identityOf(subject: Subject, identities: Identities, way: Way): AzureCredentials {
  requireAzure(way.endpoint, way);
  const ask = (signal: AbortSignal) => identities.accessToken(subject, { scope: SCOPE }, signal);
  return { token: async (signal) => (await ask(signal)).token };
}

interface Way extends Network, Pick<Secrets, 'tls' | 'proxy'> {
  endpoint: string;
}

function credentialsOf(login: Login, way: Way): AzureCredentials {
  if ('accountKey' in login || 'sas' in login) return login;
  if ('tenantId' in login) {
    const connections = keepConnections(way);
    const ask = (signal: AbortSignal) => azureToken(login, SCOPE, { connections, signal });
    return { token: keepToken(ask) };
  }
  requireAzure(way.endpoint, way);
  if (way.tls?.ca !== undefined && way.proxy !== undefined) {
    const what =
      'a managed identity is not shown to an authority and through a proxy of the object: leave one of them out';
    throw fetchFailure(Reason.AuthenticationFailed, what);
  }
  // The metadata service has a local address, and the operator trusts it.
  const connections = keepConnections({ allowLocal: true });
  const metadata = way.endpoints[METADATA];
  const { clientId } = login;
  const ask = (signal: AbortSignal) =>
    managedIdentityToken({ clientId, metadata }, SCOPE, { connections, signal });
  return { token: keepToken(ask) };
}

/**
 * A token of an identity that is not in a Secret of the tenant is sent to Azure's own hosts only, because
 * `spec.endpoint` may name a host that would keep it.
 * @throws Failure AuthenticationFailed
 */
function requireAzure(endpoint: string, { endpoints }: Network): void {
  if (isAzureBlobEndpoint(endpoint) || endpoint === endpoints['azure-blob']) return;
  const what = `the endpoint is no host of Azure Blob Storage, such as https://account.blob.core.windows.net: it gets no token of an identity`;
  throw fetchFailure(Reason.AuthenticationFailed, what);
}

/** The forms are tried in Flux's order. */
function loginOf(secret: NamedSecret): Login {
  const text = (name: string) => secret.data.get(name)?.toString('utf8').trim() || undefined;
  const [tenantId, clientId] = [text('tenantId'), text('clientId')];
  if (tenantId !== undefined && clientId !== undefined) {
    const application = { tenantId, clientId, authorityHost: text('authorityHost') };
    const clientSecret = text('clientSecret');
    if (clientSecret !== undefined) return { ...application, clientSecret };
    const certificate = text('clientCertificate');
    const password = text('clientCertificatePassword');
    const sendChain = /^(1|true)$/i.test(text('clientCertificateSendChain') ?? '');
    if (certificate !== undefined) return { ...application, certificate, password, sendChain };
  }
  if (clientId !== undefined) return { clientId };
  const accountKey = text('accountKey');
  if (accountKey !== undefined) return { accountKey };
  const sas = text('sasKey');
  if (sas !== undefined) return { sas };
  const what = `invalid '${plainName(secret)}' secret data: requires a 'clientId' or 'accountKey' field, a combination of 'tenantId', 'clientId' and 'clientSecret', or 'tenantId', 'clientId' and 'clientCertificate'`;
  throw fetchFailure(Reason.AuthenticationFailed, what);
}
