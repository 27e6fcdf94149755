// Bitbucket Server and Data Center: https://developer.atlassian.com/server/bitbucket/rest, "Builds and Deployments".
import { createHash } from 'node:crypto';
import { callJson, isRecord } from '../call.ts';
import { basicOf } from '../credentials.ts';
import { ForgeError } from '../errors.ts';
import { checkCommit, type ForgeRepository } from '../repository.ts';
import type { SetStatus } from './commit-status.ts';

const STATES = { pending: 'INPROGRESS', success: 'SUCCESSFUL', failure: 'FAILED' } as const;
/** Headers that the server requires of clients other than browsers, as a protection against forged requests. */
const NO_BROWSER = { 'x-atlassian-token': 'no-check', 'x-requested-with': 'XMLHttpRequest' };

export const setBitbucketServerStatus: SetStatus = async (request) => {
  const { call, repository, credentials, status } = request;
  const authorization =
    'token' in credentials
      ? `Bearer ${credentials.token}`
      : basicOf(credentials.username, credentials.password);
  const headers = { authorization, ...NO_BROWSER };
  const url = `${repositoryUrl(repository)}/commits/${checkCommit(status.commit)}/builds`;
  const key = createHash('sha1').update(status.id).digest('hex');
  const { name, description } = status;
  const state = STATES[status.state];
  const found = await call({ method: 'GET', url: `${url}?key=${key}`, headers, accept: [404] });
  if (found.status !== 404) {
    const there = await callJson(async () => found, { method: 'GET', url, headers });
    if (isRecord(there) && there.state === state && there.description === description) return;
  }
  // The key keeps the case of the object's name, and the name doesn't.
  const body = {
    key,
    state,
    url: repository.address,
    name: `${name} [${description}]`,
    description,
  };
  await call({ method: 'POST', url, headers, body });
};

/** `<context path>/scm/<project>/<repository>`: the API has `rest` in the place of `scm` in Git's address. */
function repositoryUrl({ origin, path }: ForgeRepository): string {
  const parts = path.split('/');
  const place = parts.lastIndexOf('scm');
  const [project = '', name = '', ...more] = parts.slice(place + 1);
  const isPart = (text: string) => /^~?[\w.-]{1,255}$/.test(text) && !/^\.+$/.test(text);
  if (place < 0 || more.length > 0 || !isPart(project) || !isPart(name)) {
    throw new ForgeError(`invalid repository id: '${path}', it must be like scm/<project>/<name>`);
  }
  const context = parts.slice(0, place).map((part) => `/${encodeURIComponent(part)}`);
  return `${origin}${context.join('')}/rest/api/latest/projects/${project}/repos/${name}`;
}
