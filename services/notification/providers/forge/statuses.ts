// The types of Provider that set commit statuses.
import {
  type ForgeCredentials,
  setAzureDevOpsStatus,
  setBitbucketServerStatus,
  setBitbucketStatus,
  setGiteaStatus,
  setGitHubStatus,
  setGitLabStatus,
} from '@weir/forge';
import { invalidProvider } from '../message.ts';
import type { Io } from '../provider.ts';
import type { Target } from '../target.ts';
import { accessWith, repositoryOf, tokenCredentials } from './call.ts';
import { commitStatus } from './commit-status.ts';
import { gitHubAccess } from './github.ts';

export const github = commitStatus({ set: setGitHubStatus, access: gitHubAccess });

export const gitlab = commitStatus({ set: setGitLabStatus, access: accessWith(tokenCredentials) });

export const gitea = commitStatus({ set: setGiteaStatus, access: accessWith(tokenCredentials) });

export const bitbucket = commitStatus({ set: setBitbucketStatus, access: accessWith(appPassword) });

export const bitbucketserver = commitStatus({
  set: setBitbucketServerStatus,
  access: accessWith(tokenOrUser),
});

export const azuredevops = commitStatus({
  set: setAzureDevOpsStatus,
  access: accessWith(tokenOrIdentity),
  genre: ({ metadata: { summary } = {} }) => (summary ? `fluxcd:${summary}` : 'fluxcd'),
});

/** Without a token, that of the Provider's account or of the service. */
async function tokenOrIdentity(target: Target, io: Io): Promise<ForgeCredentials> {
  const { token, password } = target;
  if (token || password) return tokenCredentials(target);
  const { origin, path } = repositoryOf(target);
  return { token: await io.cloudToken({ for: 'azure-devops', url: `${origin}/${path}` }) };
}

/** Bitbucket's token is `<user>:<app password>`. */
function appPassword({ token = '' }: Target): ForgeCredentials {
  const [username = '', ...password] = token.split(':');
  if (username && password.length > 0) return { username, password: password.join(':') };
  throw invalidProvider('invalid token format, expected to be <user>:<password>');
}

function tokenOrUser({ token, username, password }: Target): ForgeCredentials {
  if (token) return { token };
  if (username && password) return { username, password };
  throw invalidProvider("the secret has neither 'token' nor 'username' and 'password'");
}
