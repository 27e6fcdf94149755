// Azure DevOps: https://learn.microsoft.com/en-us/rest/api/azure/devops/git/statuses.
import { callJson, isRecord, recordsOf } from '../call.ts';
import { basicOf, tokenOf } from '../credentials.ts';
import { ForgeError } from '../errors.ts';
import { checkCommit, type ForgeRepository } from '../repository.ts';
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
  const url = `${repositoryUrl(repository)}/commits/${checkCommit(status.commit)}/statuses`;
  const { id: name, description, genre = '' } = status;
  const state = STATES[status.state];
  const answer = await callJson(call, { method: 'GET', url, headers });
  const statuses = recordsOf(isRecord(answer) ? answer.value : answer);
  // The newest comes last, and only that one counts.
  const there = statuses.findLast(
    ({ context }) => isRecord(context) && context.name === name && context.genre === genre,
  );
  if (there?.state === state && there.description === description) return;
  const body = { state, description, context: { name, genre } };
  const contentType = 'application/json;charset=utf-8';
  await call({ method: 'POST', url, headers, body, contentType });
};

/** `<organization>/<project>/_git/<repository>`, with anything before the organization on a server of one's own. */
function repositoryUrl({ origin, path }: ForgeRepository): string {
  const [before = '', name = '', ...more] = path.split('/_git/');
  const parts = before.split('/');
  if (parts.length < 2 || parts.includes('') || name === '' || name.includes('/') || more.length) {
    throw new ForgeError(
      `invalid repository id: '${path}', it must be like <organization>/<project>/_git/<name>`,
    );
  }
  const encoded = parts.map(encodeURIComponent).join('/');
  return `${origin}/${encoded}/_apis/git/repositories/${encodeURIComponent(name)}`;
}
