// Gitea and Forgejo: https://docs.gitea.com/api, "repository".
import { callJson, recordsOf } from '../call.ts';
import { giteaApi, giteaHeaders } from '../gitea-api.ts';
import { ownerAndName } from '../repository.ts';
import {
  fieldOf,
  linkOf,
  mostRelevant,
  numberOf,
  type PullRequest,
  type PullRequestAccess,
  type PullRequests,
  type PullRequestTexts,
  textOf,
} from './pull-request.ts';

const PER_PAGE = 50;
/** Pull requests that are looked through, newest first: the API finds none by its branch. */
const MAX_PAGES = 20;

export function giteaPullRequests(access: PullRequestAccess): PullRequests {
  const { call, repository, credentials, apiUrl = giteaApi(repository) } = access;
  const { owner, name } = ownerAndName(repository);
  const url = `${apiUrl}/repos/${owner}/${name}`;
  const headers = giteaHeaders(credentials);

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
    const asked = `${url}/pulls/${number}/requested_reviewers`;
    await call({ method: 'POST', url: asked, headers, body: { reviewers } });
  }

  return {
    async find({ head, base }) {
      const found: PullRequest[] = [];
      for (let page = 1; page <= MAX_PAGES; page++) {
        const query = new URLSearchParams({
          state: 'all',
          sort: 'recentupdate',
          limit: String(PER_PAGE),
          page: String(page),
        });
        const answer = await callJson(call, {
          method: 'GET',
          url: `${url}/pulls?${query}`,
          headers,
        });
        const all = recordsOf(answer);
        const ours = all.filter(
          (it) => textOf(it, 'head', 'ref') === head && textOf(it, 'base', 'ref') === base,
        );
        found.push(...ours.map(read));
        if (found.some(({ state }) => state === 'open') || all.length < PER_PAGE) break;
      }
      return mostRelevant(found);
    },
    async open({ head, base }, texts) {
      const { title, body } = texts;
      const request = { url: `${url}/pulls`, headers, body: { head, base, title, body } };
      const opened = read(await callJson(call, { method: 'POST', ...request }));
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
  const isMerged = fieldOf(answer, 'merged') === true;
  return {
    number: numberOf(answer, 'number'),
    state: isOpen ? 'open' : isMerged ? 'merged' : 'closed',
    title: textOf(answer, 'title'),
    body: textOf(answer, 'body'),
    headCommit: textOf(answer, 'head', 'sha'),
    url: linkOf(answer, 'html_url'),
  };
}
