// The URL of Gitea's and Forgejo's API, and its authentication.
import { type ForgeCredentials, tokenOf } from './credentials.ts';
import { type ForgeRepository, ownerAndName } from './repository.ts';

export function giteaApi({ origin }: ForgeRepository): string {
  return `${origin}/api/v1`;
}

export function giteaRepositoryUrl(repository: ForgeRepository): string {
  const { owner, name } = ownerAndName(repository);
  return `${giteaApi(repository)}/repos/${owner}/${name}`;
}

export function giteaHeaders(credentials: ForgeCredentials): Record<string, string> {
  return { authorization: `token ${tokenOf(credentials)}` };
}
