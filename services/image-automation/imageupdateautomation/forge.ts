// Opens the forge of an automation's repository, with the credentials to use there.
import { type ImageUpdateAutomation, type PullRequestSpec, Reason } from '@weir/api';
import {
  connectForge,
  type ForgeCredentials,
  ForgeError,
  openPullRequests,
  type PullRequests,
  parseRepository,
  providerOfHost,
} from '@weir/forge';
import { requestProxy } from '@weir/git';
import { type KubeClient, readSecret } from '@weir/kube';
import { proxyFor } from '@weir/net';
import { Failure, messageOf } from '@weir/reconcile';
import type { Remote } from '@weir/sources/git';
import type { RemoteEnvironment } from './remote.ts';
import { invalidSource } from './target.ts';

const PUBLIC_APIS: Record<string, string> = {
  'github.com': 'https://api.github.com',
  'bitbucket.org': 'https://api.bitbucket.org',
};

/**
 * Opens the API of the forge.
 * @throws Failure InvalidSourceConfiguration (stalled), PullRequestFailed
 */
export async function forgeOf(
  object: ImageUpdateAutomation,
  spec: PullRequestSpec,
  remote: Remote,
  { client, network }: RemoteEnvironment,
  signal: AbortSignal,
): Promise<PullRequests> {
  const repository = parseRepository(remote.url);
  const provider = spec.provider ?? providerOfHost(repository.host);
  if (provider === undefined) {
    throw invalidSource(
      `spec.git.pullRequest.provider has to say which kind of forge '${repository.host}' is`,
    );
  }
  const own = spec.secretRef && (await readLogin(client, object, spec.secretRef.name, signal));
  const isHome = isAtHome(spec, provider, repository);
  if (own === undefined && !isHome) {
    throw invalidSource(
      'spec.git.pullRequest.secretRef is needed: the credentials of the GitRepository are for its own host, and the API is at another one',
    );
  }
  const credentials = own ?? loginOf(remote);
  try {
    const api = new URL(spec.apiURL ?? PUBLIC_APIS[repository.host] ?? repository.origin);
    const proxy = remote.proxy
      ? await requestProxy(remote.proxy, network)
      : proxyFor(api, process.env);
    const call = connectForge({ network: { ...network, proxy }, ca: remote.auth?.caFile, signal });
    return openPullRequests(provider, { call, repository, credentials, apiUrl: spec.apiURL });
  } catch (cause) {
    throw pullRequestFailure(cause);
  }
}

/**
 * Whether the API is at the host that the GitRepository's credentials are for. The author of an automation chooses the
 * address of the API, and need not have the right to read these credentials.
 */
function isAtHome(
  { apiURL }: PullRequestSpec,
  provider: string,
  { host, origin }: { host: string; origin: string },
): boolean {
  const home = PUBLIC_APIS[host] ?? origin;
  if (apiURL !== undefined) return URL.parse(apiURL)?.origin === home;
  return provider !== 'bitbucket' || host === 'bitbucket.org';
}

async function readLogin(
  client: KubeClient,
  { metadata }: ImageUpdateAutomation,
  name: string,
  signal: AbortSignal,
): Promise<ForgeCredentials> {
  const { namespace = '' } = metadata;
  const data = await readSecret(client, { namespace, name }, { signal }).catch((cause: unknown) => {
    const message = `failed to get secret '${namespace}/${name}': ${messageOf(cause)}`;
    throw new Failure(Reason.PullRequestFailed, message, { cause });
  });
  const text = (key: string) => data.get(key)?.toString().trim();
  const token = text('token') ?? text('bearerToken');
  if (token) return checked({ token }, name);
  const [username, password] = [text('username'), text('password')];
  if (username && password) return checked({ username, password }, name);
  const message = `secret '${namespace}/${name}' needs a 'token', or 'username' and 'password'`;
  throw new Failure(Reason.PullRequestFailed, message);
}

function loginOf({ auth }: Remote): ForgeCredentials {
  const { bearerToken, username, password } = auth ?? {};
  if (bearerToken) return checked({ token: bearerToken }, 'of the GitRepository');
  if (username && password) return checked({ username, password }, 'of the GitRepository');
  throw invalidSource(
    'spec.git.pullRequest.secretRef is needed: the GitRepository has no credentials for an API',
  );
}

/** Refuses credentials that would begin another header. */
function checked(credentials: ForgeCredentials, name: string): ForgeCredentials {
  const { token = '' } = 'token' in credentials ? credentials : { token: credentials.password };
  if (/^[\x20-\x7e]{1,8192}$/.test(token)) return credentials;
  const message = `the token in secret '${name}' holds characters that can't be sent`;
  throw new Failure(Reason.PullRequestFailed, message);
}

/** The failure of a pull request. The commit is pushed all the same. */
export function pullRequestFailure(cause: unknown): unknown {
  if (!(cause instanceof ForgeError)) return cause;
  const message = `failed to update the pull request: ${cause.message}`;
  return new Failure(Reason.PullRequestFailed, message, { cause });
}
