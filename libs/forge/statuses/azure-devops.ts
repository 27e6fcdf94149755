// Azure DevOps: https://learn.microsoft.com/en-us/rest/api/azure/devops/git/statuses.
import { azureDevOpsRepositoryUrl } from '../azure-devops-api.ts';
import { callJson, isRecord, recordsOf } from '../call.ts';
import { basicOf, tokenOf } from '../credentials.ts';
import { checkCommit } from '../repository.ts';
import type { SetStatus } from './commit-status.ts';

const STATES = { pending: 'pending', success: 'succeeded', failure: 'failed' } as const;
const VERSION = 'application/json;api-version=5.1-preview.1';

export const setAzureDevOpsStatus: SetStatus = async ({
  call,
  repository,
  credentials,
  status,
}) => {
  const headers = { authorization: basicOf('', tokenOf(credentials)), accept: VERSION };
  const url = `${azureDevOpsRepositoryUrl(repository)}/commits/${checkCommit(status.commit)}/statuses`;
  const { id: name, description, genre = '' } = status;
  const state = STATES[status.state];
  const answer = await callJson(call, { method: 'GET', url, headers });
  const statuses = recordsOf(isRecord(answer) ? answer.value : answer);
  // The newest status comes last, and only that one is valid.
  const there = statuses.findLast(
    ({ context }) => isRecord(context) && context.name === name && context.genre === genre,
  );
  if (there?.state === state && there.description === description) return;
  const body = { state, description, context: { name, genre } };
  const contentType = 'application/json;charset=utf-8';
  await call({ method: 'POST', url, headers, body, contentType });
};
