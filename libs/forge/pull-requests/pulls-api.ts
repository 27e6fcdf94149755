// Pull requests with GitHub's API, which Gitea has too: the same paths and fields, with labels of the issue with the
// same number.
import { callJson, type ForgeCall, recordsOf } from '../call.ts';
import {
  type Branches,
  linkOf,
  mostRelevant,
  numberOf,
  type PullRequest,
  type PullRequests,
  type PullRequestTexts,
  textOf,
} from './pull-request.ts';

/** The differences between the two forges. */
export interface PullsApi {
  call: ForgeCall;
  /** Of the repository, without a slash at its end. */
  url: string;
  headers: Readonly<Record<string, string>>;
  /** Pull requests between two branches in any state, as far as the API returns them. */
  list(branches: Branches): Promise<unknown[]>;
  /** The body of the request for reviewers. */
  reviewersBody(reviewers: readonly string[]): Record<string, readonly string[]>;
  /** Whether a pull request that isn't open was merged. */
  isMerged(answer: unknown): boolean;
}

export function pullsApi(api: PullsApi): PullRequests {
  const { call, url, headers } = api;

  function read(answer: unknown): PullRequest {
    const isOpen = textOf(answer, 'state') === 'open';
    return {
      number: numberOf(answer, 'number'),
      state: isOpen ? 'open' : api.isMerged(answer) ? 'merged' : 'closed',
      title: textOf(answer, 'title'),
      body: textOf(answer, 'body'),
      headCommit: textOf(answer, 'head', 'sha'),
      url: linkOf(answer, 'html_url'),
    };
  }

  async function addLabelsAndReviewers(
    number: number,
    { labels, reviewers }: PullRequestTexts,
  ): Promise<void> {
    if (labels.length > 0) {
      const labelled = `${url}/issues/${number}/labels`;
      await call({ method: 'POST', url: labelled, headers, body: { labels } });
    }
    if (reviewers.length === 0) return;
    const asked = `${url}/pulls/${number}/requested_reviewers`;
    await call({ method: 'POST', url: asked, headers, body: api.reviewersBody(reviewers) });
  }

  return {
    async find(branches) {
      return mostRelevant((await api.list(branches)).map(read));
    },
    async open({ head, base }, texts) {
      const { title, body } = texts;
      const content = { head, base, title, body };
      const request = { method: 'POST' as const, url: `${url}/pulls`, headers, body: content };
      const opened = read(await callJson(call, request));
      await addLabelsAndReviewers(opened.number, texts);
      return opened;
    },
    async update({ number }, texts) {
      const { title, body } = texts;
      const own = `${url}/pulls/${number}`;
      await call({ method: 'PATCH', url: own, headers, body: { title, body } });
      await addLabelsAndReviewers(number, texts);
    },
    async close({ number }) {
      const body = { state: 'closed' };
      await call({ method: 'PATCH', url: `${url}/pulls/${number}`, headers, body });
    },
  };
}

/** A page of the list of pull requests. */
export async function listPulls(
  { call, url, headers }: Pick<PullsApi, 'call' | 'url' | 'headers'>,
  query: Record<string, string>,
): Promise<Record<string, unknown>[]> {
  const address = `${url}/pulls?${new URLSearchParams({ state: 'all', ...query })}`;
  return recordsOf(await callJson(call, { method: 'GET', url: address, headers }));
}
