// The forge of a repository.
import { azureDevOpsPullRequests } from './azure-devops.ts';
import { bitbucketPullRequests } from './bitbucket.ts';
import { giteaPullRequests } from './gitea.ts';
import { gitHubPullRequests } from './github.ts';
import { gitLabPullRequests } from './gitlab.ts';
import type { PullRequestAccess, PullRequests } from './pull-request.ts';

export type ForgeProvider = 'github' | 'gitlab' | 'gitea' | 'bitbucket' | 'azuredevops';

const CLIENTS: Record<ForgeProvider, (access: PullRequestAccess) => PullRequests> = {
  github: gitHubPullRequests,
  gitlab: gitLabPullRequests,
  gitea: giteaPullRequests,
  bitbucket: bitbucketPullRequests,
  azuredevops: azureDevOpsPullRequests,
};

const HOSTS: [RegExp, ForgeProvider][] = [
  [/^(ssh\.)?github\.com$/, 'github'],
  [/^(altssh\.)?gitlab\.com$/, 'gitlab'],
  [/^(codeberg\.org|gitea\.com)$/, 'gitea'],
  [/^(altssh\.)?bitbucket\.org$/, 'bitbucket'],
  [/^((ssh\.)?dev\.azure\.com|.+\.visualstudio\.com)$/, 'azuredevops'],
];

/** The forge of a public host; undefined for a private host, for which it has to be configured. */
export function providerOfHost(host: string): ForgeProvider | undefined {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  return HOSTS.find(([pattern]) => pattern.test(name))?.[1];
}

export function openPullRequests(provider: ForgeProvider, access: PullRequestAccess): PullRequests {
  const apiUrl = access.apiUrl?.replace(/\/+$/, '');
  return CLIENTS[provider]({ ...access, apiUrl });
}
