// Logins of the clouds' Git servers.
import { codeCommitLogin } from './aws/codecommit.ts';
import { codeCommitRegionOf } from './aws/regions.ts';
import { AZURE_SCOPES } from './azure/cloud.ts';
import type { Clouds } from './clouds.ts';
import { endpointOf } from './context.ts';
import { invalidConfiguration, within } from './errors.ts';
import type { GitLogin, Subject } from './types.ts';

const NO_TOKEN = 'failed to get access token for Git repository';

/**
 * The URL is checked before any token is requested, because a login is sent there.
 * @throws IdentityError
 */
export async function gitLogin(
  clouds: Clouds,
  subject: Subject,
  text: string,
  signal: AbortSignal,
): Promise<GitLogin> {
  const { provider } = subject;
  if (provider !== 'aws' && provider !== 'azure') {
    throw invalidConfiguration(`provider '${provider}' does not support Git credentials`);
  }
  const url = URL.parse(text);
  if (url === null) throw invalidConfiguration('the URL of the Git repository is none');
  return provider === 'aws'
    ? codeCommit(clouds, subject, url, signal)
    : devOps(clouds, subject, url, signal);
}

async function codeCommit(
  { context, cache, access, aws }: Clouds,
  subject: Subject,
  url: URL,
  signal: AbortSignal,
): Promise<GitLogin> {
  const region = codeCommitRegionOf(url);
  const found = await within(NO_TOKEN, () => access(aws, subject, { region }, signal));
  const credentials = await within(NO_TOKEN, found.get);
  const login = () =>
    within('failed to create Git credentials', async () =>
      codeCommitLogin(url, credentials, context.now()),
    );
  return cache.get(['git', url.href, ...found.parts], subject.namespace, login, signal);
}

/**
 * Unlike in Flux, which sends the token to any host that the object names. The token gives access to all repositories
 * that the identity may read.
 */
const DEV_OPS_HOST = /^(?:dev\.azure\.com|ssh\.dev\.azure\.com|[a-z0-9-]+\.visualstudio\.com)$/;

async function devOps(
  { context, access, azure }: Clouds,
  subject: Subject,
  url: URL,
  signal: AbortSignal,
): Promise<GitLogin> {
  const own = URL.parse(endpointOf(context, 'azure-devops', ''));
  const isOwn = own !== null && own.origin === url.origin;
  const isVendors = url.protocol === 'https:' && DEV_OPS_HOST.test(url.host);
  if (!isOwn && !isVendors) {
    throw invalidConfiguration(
      `'${url.host.slice(0, 300)}' is not Azure DevOps: the provider azure needs a url such as https://dev.azure.com/<organization>/<project>/_git/<repository>, or the host in --cloud-endpoints=azure-devops`,
    );
  }
  const scope = { scope: AZURE_SCOPES.devOps };
  const found = await within(NO_TOKEN, () => access(azure, subject, scope, signal));
  const { token: bearerToken, expiresAt } = await within(NO_TOKEN, found.get);
  return { bearerToken, expiresAt };
}
