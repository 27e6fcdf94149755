// Azure DevOps: https://learn.microsoft.com/en-us/rest/api/azure/devops/git/pull-requests
import { azureDevOpsRepositoryUrl } from '../azure-devops-api.ts';
import { callJson, recordsOf } from '../call.ts';
import { basicOf, tokenOf } from '../credentials.ts';
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

const STATES: Record<string, PullRequest['state']> = { active: 'open', completed: 'merged' };
const VERSION = 'api-version=7.1';
/** What a description may have, in characters. */
const MAX_BODY = 4000;

/** Pull requests of Azure DevOps. A reviewer is the id of an identity. */
export function azureDevOpsPullRequests(access: PullRequestAccess): PullRequests {
  const { call, repository, credentials, apiUrl } = access;
  const found = new URL(azureDevOpsRepositoryUrl(repository));
  const url = `${apiUrl ?? found.origin}${found.pathname}/pullrequests`;
  const headers = { authorization: basicOf('', tokenOf(credentials)) };
  const page = (number: number) =>
    /^https?:/.test(repository.address)
      ? `${repository.origin}/${repository.path}/pullrequest/${number}`
      : '';
  const read = (answer: unknown): PullRequest => {
    const number = numberOf(answer, 'pullRequestId');
    return {
      number,
      state: STATES[textOf(answer, 'status')] ?? 'closed',
      title: textOf(answer, 'title'),
      body: textOf(answer, 'description'),
      headCommit: textOf(answer, 'lastMergeSourceCommit', 'commitId'),
      url: linkOf(page(number)),
    };
  };

  return {
    async find({ head, base }) {
      const query = new URLSearchParams({
        'searchCriteria.status': 'all',
        'searchCriteria.sourceRefName': `refs/heads/${head}`,
        'searchCriteria.targetRefName': `refs/heads/${base}`,
      });
      const answer = await callJson(call, {
        method: 'GET',
        url: `${url}?${query}&${VERSION}`,
        headers,
      });
      return mostRelevant(recordsOf(fieldOf(answer, 'value')).map(read));
    },
    async open({ head, base }, texts) {
      const body = {
        ...bodyOf(texts),
        ...{ sourceRefName: `refs/heads/${head}`, targetRefName: `refs/heads/${base}` },
        labels: texts.labels.map((name) => ({ name })),
        reviewers: texts.reviewers.map((id) => ({ id })),
      };
      return read(
        await callJson(call, { method: 'POST', url: `${url}?${VERSION}`, headers, body }),
      );
    },
    async update({ number }, texts) {
      const own = `${url}/${number}`;
      await call({ method: 'PATCH', url: `${own}?${VERSION}`, headers, body: bodyOf(texts) });
      for (const name of texts.labels) {
        await call({ method: 'POST', url: `${own}/labels?${VERSION}`, headers, body: { name } });
      }
    },
    async close({ number }) {
      const body = { status: 'abandoned' };
      await call({ method: 'PATCH', url: `${url}/${number}?${VERSION}`, headers, body });
    },
  };
}

function bodyOf({ title, body }: PullRequestTexts) {
  return { title, description: body.slice(0, MAX_BODY) };
}
