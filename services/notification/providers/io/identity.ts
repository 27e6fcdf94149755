import { AZURE_SCOPES, type Identities, IdentityError, ownTrustOf } from '@weir/identity';
import { DeliveryError } from '../../delivery/errors.ts';
import type { Target } from '../target.ts';

/** What a token is for: the place that it is sent to is part of it. */
export type CloudUse =
  | { for: 'azure-devops'; url: string }
  | { for: 'event-hubs'; host: string }
  | { for: 'pubsub' };

/** Gets a token of a cloud, as the account that a Provider names, or else as the service itself. */
export type CloudToken = (use: CloudUse) => Promise<string>;

/** Makes `CloudToken` for one target. */
export type CloudTokenFor = (target: Target, signal: AbortSignal) => CloudToken;

/** Azure's own hosts, in its public clouds. */
const EVENT_HUBS =
  /^[a-z0-9-]+\.servicebus\.(?:windows\.net|chinacloudapi\.cn|usgovcloudapi\.net)$/i;

export function createCloudTokens(
  identities: Pick<Identities, 'accessToken' | 'gitLogin'>,
): CloudTokenFor {
  return (target, signal) => async (use) => {
    const { serviceAccountName } = target.provider.object.spec;
    const { namespace, proxy, tls } = target;
    const subject = { namespace, serviceAccountName, proxy, ownTrust: ownTrustOf(false, tls) };
    try {
      if (use.for === 'azure-devops') {
        const login = await identities.gitLogin({ ...subject, provider: 'azure' }, use.url, signal);
        return 'bearerToken' in login ? login.bearerToken : login.password;
      }
      if (use.for === 'pubsub') {
        return (await identities.accessToken({ ...subject, provider: 'gcp' }, {}, signal)).token;
      }
      // Who may write a Provider could otherwise have the token of the service sent to themselves.
      if (!serviceAccountName && !EVENT_HUBS.test(use.host)) throw notAzure(use.host);
      const scope = { scope: AZURE_SCOPES.eventHubs };
      return (await identities.accessToken({ ...subject, provider: 'azure' }, scope, signal)).token;
    } catch (error) {
      if (error instanceof IdentityError) throw refusal(error);
      throw error;
    }
  };
}

function notAzure(host: string): DeliveryError {
  const message = `'${host.slice(0, 300)}' is no namespace of Azure Event Hubs: name an account in spec.serviceAccountName, or set a token`;
  return new DeliveryError('InvalidProvider', message);
}

/** What a change of the account, of an annotation or of a right in the cloud mends is not tried for long. */
function refusal(error: IdentityError): DeliveryError {
  const { reason, message, retryAfterMs } = error;
  const permanent = !['Throttled', 'Unavailable', 'InvalidAnswer'].includes(reason);
  const text = `failed to get token: ${message}`;
  return new DeliveryError(reason, text, { permanent, retryAfterMs, cause: error });
}
