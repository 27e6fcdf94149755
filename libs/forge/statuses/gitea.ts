// https://docs.gitea.com/api, "repoCreateStatus"
import { callJson, recordsOf } from '../call.ts';
import { giteaHeaders, giteaRepositoryUrl } from '../gitea-api.ts';
import { checkCommit } from '../repository.ts';
import type { SetStatus } from './commit-status.ts';

const STATUSES_PER_PAGE = 50;

export const setGiteaStatus: SetStatus = async ({ call, repository, credentials, status }) => {
  const url = giteaRepositoryUrl(repository);
  const commit = checkCommit(status.commit);
  const headers = giteaHeaders(credentials);
  const { state, description, id: context } = status;
  const statuses = await callJson(call, {
    method: 'GET',
    url: `${url}/commits/${commit}/statuses?page=1&limit=${STATUSES_PER_PAGE}`,
    headers,
  });
  const there = recordsOf(statuses).find((each) => each.context === context);
  // Gitea's answers call the state `status`.
  if ((there?.status ?? there?.state) === state && there?.description === description) return;
  const body = { state, target_url: '', description, context };
  await call({ method: 'POST', url: `${url}/statuses/${commit}`, headers, body });
};
