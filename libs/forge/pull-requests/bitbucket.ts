// Bitbucket Cloud: https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pullrequests
import { callJson, recordsOf } from '../call.ts';
import { basicOf } from '../credentials.ts';
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

const STATES: Record<string, PullRequest['state']> = { OPEN: 'open', MERGED: 'merged' };

/** Pull requests of Bitbucket, which has no labels. A reviewer is the id of an account, or its uuid in braces. */
export function bitbucketPullRequests(access: PullRequestAccess): PullRequests {
  const { call, repository, credentials, apiUrl = 'https://api.bitbucket.org/2.0' } = access;
  const { owner, name } = ownerAndName(repository);
  const url = `${apiUrl}/repositories/${owner}/${name}/pullrequests`;
  const authorization =
    'token' in credentials
      ? `Bearer ${credentials.token}`
      : basicOf(credentials.username, credentials.password);
  const headers = { authorization };

  return {
    async find({ head, base }) {
      const quoted = (text: string) => JSON.stringify(text);
      const q = `source.branch.name = ${quoted(head)} AND destination.branch.name = ${quoted(base)}`;
      const query = new URLSearchParams({ q, sort: '-id', pagelen: '50' });
      for (const state of ['OPEN', 'MERGED', 'DECLINED', 'SUPERSEDED'])
        query.append('state', state);
      const answer = await callJson(call, { method: 'GET', url: `${url}?${query}`, headers });
      return mostRelevant(recordsOf(fieldOf(answer, 'values')).map(read));
    },
    async open({ head, base }, texts) {
      const body = {
        ...bodyOf(texts),
        source: { branch: { name: head } },
        destination: { branch: { name: base } },
        close_source_branch: true,
      };
      return read(await callJson(call, { method: 'POST', url, headers, body }));
    },
    async update({ number }, texts) {
      await call({ method: 'PUT', url: `${url}/${number}`, headers, body: bodyOf(texts) });
    },
    async close({ number }) {
      await call({ method: 'POST', url: `${url}/${number}/decline`, headers });
    },
  };
}

function bodyOf({ title, body, reviewers }: PullRequestTexts) {
  const users = reviewers.map((it) => (it.startsWith('{') ? { uuid: it } : { account_id: it }));
  return { title, description: body, ...(users.length === 0 ? {} : { reviewers: users }) };
}

function read(answer: unknown): PullRequest {
  return {
    number: numberOf(answer, 'id'),
    state: STATES[textOf(answer, 'state')] ?? 'closed',
    title: textOf(answer, 'title'),
    body: textOf(answer, 'description'),
    headCommit: textOf(answer, 'source', 'commit', 'hash'),
    url: linkOf(answer, 'links', 'html', 'href'),
  };
}
