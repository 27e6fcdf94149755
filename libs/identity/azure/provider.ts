// Azure: tokens for the service itself, and for accounts by the application that they are annotated with.
import type { TokenProvider } from '../access.ts';
import { SHORTEST_SECONDS } from '../aws/provider.ts';
import type { CloudContext } from '../context.ts';
import type { AccessToken } from '../types.ts';
import { azureIdentityOf, entraToken } from './entra.ts';
import { ownAzureToken } from './own.ts';

export function azureProvider(context: CloudContext): TokenProvider<AccessToken> {
  return {
    lifetimeSeconds: SHORTEST_SECONDS,
    audiencesOf: async () => ['api://AzureADTokenExchange'],
    identityOf: ({ annotations }) => azureIdentityOf(annotations),
    own: ({ scope, proxy }, signal) =>
      ownAzureToken(context, { scope: needed(scope), proxy }, signal),
    exchange({ annotations }, { token }, { scope, proxy }, signal) {
      const application = { ...azureIdentityOf(annotations), proof: { assertion: token } };
      return entraToken(context, application, { scope: needed(scope), proxy }, signal);
    },
  };
}

function needed(scope: string | undefined): string {
  if (scope) return scope;
  throw new TypeError('a token of Azure is for a scope, see AZURE_SCOPES');
}
