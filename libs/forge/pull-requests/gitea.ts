// Gitea and Forgejo: https://docs.gitea.com/api, "repository".
import { giteaApi, giteaHeaders } from '../gitea-api.ts';
import { ownerAndName } from '../repository.ts';
import {
  type Branches,
  fieldOf,
  type PullRequestAccess,
  type PullRequests,
  textOf,
} from './pull-request.ts';
import { listPulls, type PullsApi, pullsApi } from './pulls-api.ts';

const PER_PAGE = 50;
const MAX_PAGES = 20;

export function giteaPullRequests(access: PullRequestAccess): PullRequests {
  const { call, repository, credentials, apiUrl = giteaApi(repository) } = access;
  const { owner, name } = ownerAndName(repository);
  const api = {
    call,
    url: `${apiUrl}/repos/${owner}/${name}`,
    headers: giteaHeaders(credentials),
  };
  return pullsApi({
    ...api,
    list: (branches) => search(api, branches),
    reviewersBody: (reviewers) => ({ reviewers }),
    isMerged: (answer) => fieldOf(answer, 'merged') === true,
  });
}

/** Searches the pull requests, the last changed ones first, because the API can't find one by its branch. */
async function search(
  api: Pick<PullsApi, 'call' | 'url' | 'headers'>,
  { head, base }: Branches,
): Promise<unknown[]> {
  const found: unknown[] = [];
  for (let page = 1; page <= MAX_PAGES; page++) {
    const query = { sort: 'recentupdate', limit: String(PER_PAGE), page: String(page) };
    const all = await listPulls(api, query);
    found.push(
      ...all.filter(
        (it) => textOf(it, 'head', 'ref') === head && textOf(it, 'base', 'ref') === base,
      ),
    );
    const isFound = found.some((it) => textOf(it, 'state') === 'open');
    if (isFound || all.length < PER_PAGE) break;
  }
  return found;
}
