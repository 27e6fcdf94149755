// Access to GitHub: as a GitHub App where the Secret holds one, else with a token.
import { checkGitHubApp, createInstallationToken, type GitHubApp } from '@weir/forge';
import { AddressRefused } from '@weir/net';
import { unreachable } from '../io/http.ts';
import { bearer, type Io, TOKEN_TIMEOUT_MS } from '../provider.ts';
import type { Target } from '../target.ts';
import {
  type AccessFor,
  accessWith,
  type ForgeAccess,
  forgeCall,
  tokenCredentials,
} from './call.ts';

export const gitHubAccess: AccessFor = async (target, io) => {
  const app = appOf(target);
  return app === undefined ? accessWith(tokenCredentials)(target, io) : appAccess(app, target, io);
};

/**
 * Access with a token of the app's installation, which all deliveries with the same app and key share for most of its hour. When
 * GitHub doesn't take it any more, it is dropped and the request is sent with a new one, once in a delivery.
 */
async function appAccess(app: GitHubApp, target: Target, io: Io): Promise<ForgeAccess> {
  const send = forgeCall(io);
  const tokens = tokensOf(app, target, io);
  let token = await tokens.get();
  let isRenewed = false;
  return {
    credentials: { token },
    async call({ accept = [], ...request }) {
      const attempt = (taken: readonly number[]) =>
        send({ ...request, headers: { ...request.headers, ...bearer(token) }, accept: taken });
      if (isRenewed) return attempt(accept);
      const answer = await attempt([...accept, 401]);
      if (answer.status !== 401) return answer;
      isRenewed = true;
      tokens.drop(token);
      token = await tokens.get();
      return attempt(accept);
    },
  };
}

function tokensOf(app: GitHubApp, target: Target, io: Io) {
  const { namespace, proxy } = target;
  const { ca, cert: certificate, key } = target.tls ?? {};
  const tls = { ...(ca ? { ca } : {}), ...(certificate && key ? { certificate, key } : {}) };
  // All that decides what is made: whoever lacks the key has no part in the token, and nobody gets that of another namespace.
  const parts = ['github-app', namespace, app, tls, proxy];
  const signal = () => AbortSignal.timeout(TOKEN_TIMEOUT_MS);
  const make = () => createInstallationToken(app, { network: io.policy, signal: signal(), tls });
  return {
    async get(): Promise<string> {
      try {
        return (await io.tokens.get(parts, make, io.signal)).token;
      } catch (error) {
        const isRefused = error instanceof AddressRefused;
        throw isRefused ? unreachable(error.host, error, io.signal) : error;
      }
    },
    /** Another delivery may have made a new one meanwhile, which is left. */
    drop(refused: string): void {
      if (io.tokens.find(parts)?.token === refused) io.tokens.delete(parts);
    },
  };
}

/** The app that the Secret holds, if it holds one. Throws ForgeError for one that can not be. */
function appOf({ secret }: Target): GitHubApp | undefined {
  const text = (key: string) => secret?.get(key)?.toString('utf8').trim();
  const id = text('githubAppID');
  if (!id) return undefined;
  const installationId = text('githubAppInstallationID');
  const baseUrl = text('githubAppBaseURL');
  const app = {
    id,
    privateKey: secret?.get('githubAppPrivateKey')?.toString('utf8') ?? '',
    installation: installationId
      ? { id: installationId }
      : { owner: text('githubAppInstallationOwner') ?? '' },
    ...(baseUrl ? { baseUrl } : {}),
  };
  checkGitHubApp(app);
  return app;
}
