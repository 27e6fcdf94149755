// The URL of GitHub's and GitHub Enterprise's API, and its authentication.
import { type ForgeCredentials, tokenOf } from './credentials.ts';
import { type ForgeRepository, ownerAndName } from './repository.ts';

export function gitHubApi({ host, origin }: ForgeRepository): string {
  return host === 'github.com' ? 'https://api.github.com' : `${origin}/api/v3`;
}

export function gitHubRepositoryUrl(repository: ForgeRepository): string {
  const { owner, name } = ownerAndName(repository);
  return `${gitHubApi(repository)}/repos/${owner}/${name}`;
}

export function bearerOf(credentials: ForgeCredentials): Record<string, string> {
  return { authorization: `Bearer ${tokenOf(credentials)}` };
}
