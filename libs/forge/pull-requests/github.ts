// https://docs.github.com/en/rest/pulls/pulls
import { callJson, recordsOf } from '../call.ts';
import { bearerOf, gitHubApi } from '../github-api.ts';
import { ownerAndName } from '../repository.ts';
import {
  linkOf,
  mostRelevant,
  numberOf,
  type PullRequest,
  type PullRequestAccess,
  type PullRequests,
  type PullRequestTexts,
  textOf,
} from './pull-request.ts';

const TEAM = 'team:';

/** Pull requests of GitHub and GitHub Enterprise. A reviewer `team:<slug>` is a team of the organization. */
export function gitHubPullRequests(access: PullRequestAccess): PullRequests {
  const { call, repository, credentials, apiUrl = gitHubApi(repository) } = access;
  const { owner, name } = ownerAndName(repository);
  const url = `${apiUrl}/repos/${owner}/${name}`;
  const headers = { ...bearerOf(credentials), accept: 'application/vnd.github+json' };

  async function ask(number: number, { labels, reviewers }: PullRequestTexts): Promise<void> {
    if (labels.length > 0) {
      await call({
        method: 'POST',
        url: `${url}/issues/${number}/labels`,
        headers,
        body: { labels },
      });
    }
    if (reviewers.length === 0) return;
    const teams = reviewers.filter((it) => it.startsWith(TEAM));
    const body = {
      reviewers: reviewers.filter((it) => !it.startsWith(TEAM)),
      team_reviewers: teams.map((it) => it.slice(TEAM.length)),
    };
    const asked = `${url}/pulls/${number}/requested_reviewers`;
    await call({ method: 'POST', url: asked, headers, body });
  }

  return {
    async find({ head, base }) {
      const query = new URLSearchParams({
        state: 'all',
        head: `${owner}:${head}`,
        base,
        per_page: '100',
      });
      const answer = await callJson(call, { method: 'GET', url: `${url}/pulls?${query}`, headers });
      return mostRelevant(recordsOf(answer).map(read));
    },
    async open({ head, base }, texts) {
      const { title, body } = texts;
      const request = {
        method: 'POST',
        url: `${url}/pulls`,
        headers,
        body: { head, base, title, body },
      };
      const opened = read(await callJson(call, { ...request, method: 'POST' }));
      await ask(opened.number, texts);
      return opened;
    },
    async update({ number }, texts) {
      const { title, body } = texts;
      await call({
        method: 'PATCH',
        url: `${url}/pulls/${number}`,
        headers,
        body: { title, body },
      });
      await ask(number, texts);
    },
    async close({ number }) {
      const body = { state: 'closed' };
      await call({ method: 'PATCH', url: `${url}/pulls/${number}`, headers, body });
    },
  };
}

function read(answer: unknown): PullRequest {
  const isOpen = textOf(answer, 'state') === 'open';
  const isMerged = textOf(answer, 'merged_at') !== '';
  return {
    number: numberOf(answer, 'number'),
    state: isOpen ? 'open' : isMerged ? 'merged' : 'closed',
    title: textOf(answer, 'title'),
    body: textOf(answer, 'body'),
    headCommit: textOf(answer, 'head', 'sha'),
    url: linkOf(answer, 'html_url'),
  };
}
