// Kubernetes tokens for services that trust this cluster: another cluster, Vault.
import type { TokenProvider } from './access.ts';
import { requestToken } from './account.ts';
import { audiencesOf } from './annotations.ts';
import type { CloudContext } from './context.ts';
import { invalidConfiguration, within } from './errors.ts';
import { readSecretFile } from './files.ts';
import { claimsOf } from './jwt.ts';
import type { AccessToken } from './types.ts';

/** Where Kubernetes puts the token of a pod's own account. */
const TOKEN_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/token';
/** The lifetime of tokens that are used directly, the same as in Flux. */
const LIFETIME_SECONDS = 3_600;

export function genericProvider(context: CloudContext): TokenProvider<AccessToken> {
  return {
    lifetimeSeconds: LIFETIME_SECONDS,
    async audiencesOf({ annotations }, { audiences = [] }) {
      const own = audiencesOf(annotations);
      return own.length > 0 ? own : audiences;
    },
    identityOf: ({ namespace, name }) => `system:serviceaccount:${namespace}:${name}`,
    exchange: async (_, token) => token,
    async own({ audiences = [] }, signal) {
      const file = await readSecretFile(context, TOKEN_FILE, "the service's own account");
      const { sub = '', aud } = claimsOf(file, 'failed to parse service account token');
      // A token that this API server accepts must not be sent elsewhere, because it has the rights of the service
      // itself.
      if (audiences.length === 0 || audiences.some((audience) => aud.includes(audience))) {
        throw invalidConfiguration(
          "a token of the service's own account is not for this cluster's API server",
        );
      }
      const [, , namespace, name, ...rest] = sub.split(':');
      if (!namespace || !name || rest.length > 0) {
        throw invalidConfiguration("invalid subject format in the service's own token");
      }
      const wanted = { audiences, lifetimeSeconds: LIFETIME_SECONDS };
      return within('failed to create kubernetes token for the controller', () =>
        requestToken(context.client, { namespace, name }, wanted, signal),
      );
    },
  };
}
