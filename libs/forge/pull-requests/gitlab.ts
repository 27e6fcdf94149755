// https://docs.gitlab.com/api/merge_requests
import { callJson, recordsOf } from '../call.ts';
import { tokenOf } from '../credentials.ts';
import { ForgeError } from '../errors.ts';
import { gitLabProjectUrl } from '../gitlab-api.ts';
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

const STATES: Record<string, PullRequest['state']> = { opened: 'open', merged: 'merged' };

/** Merge requests of GitLab. Labels are added to those that it has already. */
export function gitLabPullRequests(access: PullRequestAccess): PullRequests {
  const { call, repository, credentials, apiUrl } = access;
  const project = gitLabProjectUrl(repository);
  const api = apiUrl ?? `${repository.origin}/api/v4`;
  const url = `${api}${project.slice(project.indexOf('/projects/'))}/merge_requests`;
  const headers = { authorization: `Bearer ${tokenOf(credentials)}` };

  async function idsOf(reviewers: readonly string[]): Promise<number[]> {
    const ids: number[] = [];
    for (const username of reviewers) {
      const query = new URLSearchParams({ username });
      const found = recordsOf(
        await callJson(call, { method: 'GET', url: `${api}/users?${query}`, headers }),
      );
      if (found[0] === undefined)
        throw new ForgeError(`there is no user '${username.slice(0, 100)}'`);
      ids.push(numberOf(found[0], 'id'));
    }
    return ids;
  }

  async function bodyOf({ title, body, reviewers }: PullRequestTexts) {
    const ids = reviewers.length === 0 ? {} : { reviewer_ids: await idsOf(reviewers) };
    return { title, description: body, ...ids };
  }

  return {
    async find({ head, base }) {
      const query = new URLSearchParams({
        source_branch: head,
        target_branch: base,
        per_page: '100',
      });
      const answer = await callJson(call, { method: 'GET', url: `${url}?${query}`, headers });
      return mostRelevant(recordsOf(answer).map(read));
    },
    async open({ head, base }, texts) {
      const body = {
        ...(await bodyOf(texts)),
        ...{ source_branch: head, target_branch: base, remove_source_branch: true },
        labels: texts.labels.join(','),
      };
      return read(await callJson(call, { method: 'POST', url, headers, body }));
    },
    async update({ number }, texts) {
      const body = { ...(await bodyOf(texts)), add_labels: texts.labels.join(',') };
      await call({ method: 'PUT', url: `${url}/${number}`, headers, body });
    },
    async close({ number }) {
      await call({
        method: 'PUT',
        url: `${url}/${number}`,
        headers,
        body: { state_event: 'close' },
      });
    },
  };
}

function read(answer: unknown): PullRequest {
  return {
    number: numberOf(answer, 'iid'),
    state: STATES[textOf(answer, 'state')] ?? 'closed',
    title: textOf(answer, 'title'),
    body: textOf(answer, 'description'),
    headCommit: textOf(answer, 'sha'),
    url: linkOf(answer, 'web_url'),
  };
}
