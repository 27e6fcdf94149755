import { type Identities, IdentityError } from '@weir/identity';
import { DeliveryError } from '../../delivery/errors.ts';
import type { Target } from '../target.ts';

/** Tokens of a cloud, as the account that a Provider names, or else as the service itself. */
export type CloudToken = (provider: 'azure' | 'gcp', scope?: string) => Promise<string>;

/** Makes `CloudToken` for one target. */
export type CloudTokenFor = (target: Target, signal: AbortSignal) => CloudToken;

export function createCloudTokens(identities: Pick<Identities, 'accessToken'>): CloudTokenFor {
  return (target, signal) => async (provider, scope) => {
    const { serviceAccountName } = target.provider.object.spec;
    const { namespace, proxy } = target;
    const subject = { provider, namespace, serviceAccountName, proxy };
    try {
      return (await identities.accessToken(subject, { scope }, signal)).token;
    } catch (error) {
      if (error instanceof IdentityError) throw refusal(error);
      throw error;
    }
  };
}

/** What a change of the account, of an annotation or of a right in the cloud mends is not tried for long. */
function refusal(error: IdentityError): DeliveryError {
  const { reason, message, retryAfterMs } = error;
  const permanent = !['Throttled', 'Unavailable', 'InvalidAnswer'].includes(reason);
  const text = `failed to get token: ${message}`;
  return new DeliveryError(reason, text, { permanent, retryAfterMs, cause: error });
}
