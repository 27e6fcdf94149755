// https://docs.github.com/en/rest/pulls/pulls
import { bearerOf, gitHubApi } from '../github-api.ts';
import { ownerAndName } from '../repository.ts';
import { type PullRequestAccess, type PullRequests, textOf } from './pull-request.ts';
import { listPulls, pullsApi } from './pulls-api.ts';

const TEAM = 'team:';

/** Pull requests of GitHub and GitHub Enterprise. A reviewer `team:<slug>` is a team of the organization. */
export function gitHubPullRequests(access: PullRequestAccess): PullRequests {
  const { call, repository, credentials, apiUrl = gitHubApi(repository) } = access;
  const { owner, name } = ownerAndName(repository);
  const headers = { ...bearerOf(credentials), accept: 'application/vnd.github+json' };
  const api = { call, url: `${apiUrl}/repos/${owner}/${name}`, headers };
  return pullsApi({
    ...api,
    list: ({ head, base }) => listPulls(api, { head: `${owner}:${head}`, base, per_page: '100' }),
    reviewersBody: (reviewers) => ({
      reviewers: reviewers.filter((it) => !it.startsWith(TEAM)),
      team_reviewers: reviewers
        .filter((it) => it.startsWith(TEAM))
        .map((it) => it.slice(TEAM.length)),
    }),
    isMerged: (answer) => textOf(answer, 'merged_at') !== '',
  });
}
