// https://docs.github.com/en/rest/commits/statuses
import { callJson, recordsOf } from '../call.ts';
import { bearerOf, gitHubRepositoryUrl } from '../github-api.ts';
import { checkCommit } from '../repository.ts';
import type { SetStatus } from './commit-status.ts';

export const setGitHubStatus: SetStatus = async ({ call, repository, credentials, status }) => {
  const url = gitHubRepositoryUrl(repository);
  const commit = checkCommit(status.commit);
  const headers = bearerOf(credentials);
  const { state, description, id: context } = status;
  const statuses = await callJson(call, {
    method: 'GET',
    url: `${url}/commits/${commit}/statuses?per_page=50`,
    headers,
  });
  // The newest status comes first, and only that one is valid.
  const there = recordsOf(statuses).find((each) => each.context === context);
  if (there?.state === state && there.description === description) return;
  const body = { state, description, context };
  await call({ method: 'POST', url: `${url}/statuses/${commit}`, headers, body });
};
