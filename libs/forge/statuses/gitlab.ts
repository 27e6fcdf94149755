// https://docs.gitlab.com/api/commits/#set-commit-pipeline-status
import { callJson, recordsOf } from '../call.ts';
import { tokenOf } from '../credentials.ts';
import { gitLabProjectUrl } from '../gitlab-api.ts';
import { checkCommit } from '../repository.ts';
import type { SetStatus } from './commit-status.ts';

const STATES = { pending: 'pending', success: 'success', failure: 'failed' } as const;

export const setGitLabStatus: SetStatus = async ({ call, repository, credentials, status }) => {
  const url = gitLabProjectUrl(repository);
  const commit = checkCommit(status.commit);
  const headers = { 'private-token': tokenOf(credentials) };
  const { id: name, description } = status;
  const state = STATES[status.state];
  const query = new URLSearchParams({ name });
  const statuses = await callJson(call, {
    method: 'GET',
    url: `${url}/repository/commits/${commit}/statuses?${query}`,
    headers,
  });
  const there = recordsOf(statuses).find((each) => each.name === name);
  if (there?.status === state && there.description === description) return;
  const body = { state, name, description };
  await call({ method: 'POST', url: `${url}/statuses/${commit}`, headers, body });
};
