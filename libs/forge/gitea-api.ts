// Where the API of Gitea and Forgejo is, and how it is told who asks.
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
