// Bitbucket Cloud: https://developer.atlassian.com/cloud/bitbucket/rest, "commit statuses".
import { createHash } from 'node:crypto';
import { callJson, isRecord } from '../call.ts';
import { basicOf } from '../credentials.ts';
import { ForgeError } from '../errors.ts';
import { checkCommit, ownerAndName } from '../repository.ts';
import type { SetStatus } from './commit-status.ts';

const API = 'https://api.bitbucket.org/2.0';
const STATES = { pending: 'INPROGRESS', success: 'SUCCESSFUL', failure: 'FAILED' } as const;

export const setBitbucketStatus: SetStatus = async ({ call, repository, credentials, status }) => {
  if ('token' in credentials) throw new ForgeError('Bitbucket wants a user and an app password');
  const { owner, name: repositoryName } = ownerAndName(repository);
  const headers = { authorization: basicOf(credentials.username, credentials.password) };
  const key = createHash('sha1').update(status.id).digest('hex');
  const commit = checkCommit(status.commit);
  const url = `${API}/repositories/${owner}/${repositoryName}/commit/${commit}/statuses/build`;
  const { name, description } = status;
  const state = STATES[status.state];
  const found = await call({ method: 'GET', url: `${url}/${key}`, headers, accept: [404] });
  if (found.status !== 404) {
    const there = await callJson(async () => found, { method: 'GET', url, headers });
    if (isRecord(there) && there.state === state && there.description === description) return;
  }
  const body = { key, state, url: 'https://bitbucket.org', name, description };
  await call({ method: 'POST', url, headers, body });
};
