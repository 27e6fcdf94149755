// An HTTP server that answers as the APIs of the forges do where pull requests are concerned, in the form of each one.
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ForgeProvider } from '../pull-requests/providers.ts';

export interface FakePullRequest {
  number: number;
  head: string;
  base: string;
  title: string;
  body: string;
  state: 'open' | 'closed' | 'merged';
  headCommit: string;
  labels: string[];
  reviewers: string[];
}

export interface FakeForge {
  url: string;
  pullRequests: FakePullRequest[];
  /** `METHOD path` of the requests so far, oldest first. */
  requests: string[];
  /** The Authorization headers of the requests. */
  authorizations: Set<string>;
  /** The commit of a branch when a pull request is opened or changed. */
  commitOf: (branch: string) => Promise<string> | string;
  /** Answers all requests with this status from now on, or no longer. */
  failWith: number | undefined;
  close(): Promise<void>;
}

type Fields = Record<string, unknown>;

interface Dialect {
  /** Takes the prefix of the repository, and leaves the rest of the path. */
  prefix: RegExp;
  read(body: Fields): Partial<FakePullRequest>;
  write(it: FakePullRequest): Fields;
  list(found: Fields[]): unknown;
  wants(query: URLSearchParams): { head?: string; base?: string };
}

const short = (ref: unknown) => String(ref ?? '').replace('refs/heads/', '');
const texts = (values: unknown, key?: string) =>
  (Array.isArray(values) ? values : []).map((it) =>
    key ? String((it as Fields)[key]) : String(it),
  );
const at = (value: unknown, ...path: string[]): unknown =>
  path.reduce<unknown>((found, name) => (found as Fields | undefined)?.[name], value);
const given = (
  fields: {
    [Name in keyof FakePullRequest]?: FakePullRequest[Name] | undefined;
  },
): Partial<FakePullRequest> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
const text = (value: unknown) => (value === undefined ? undefined : String(value));

const gitHub: Dialect = {
  prefix: /^.*\/repos\/[^/]+\/[^/]+/,
  read: ({ title, body, head, base, state, labels, reviewers }) =>
    given({
      ...{ title: text(title), body: text(body), head: text(head), base: text(base) },
      state: state as FakePullRequest['state'],
      ...(labels ? { labels: texts(labels) } : {}),
      ...(reviewers ? { reviewers: texts(reviewers) } : {}),
    }),
  write: (it) => ({
    ...{
      number: it.number,
      title: it.title,
      body: it.body,
      html_url: `https://forge/${it.number}`,
    },
    state: it.state === 'open' ? 'open' : 'closed',
    merged: it.state === 'merged',
    merged_at: it.state === 'merged' ? '2026-01-01T00:00:00Z' : null,
    head: { ref: it.head, sha: it.headCommit },
    base: { ref: it.base },
  }),
  list: (found) => found,
  wants: (query) => ({
    ...(query.has('head') ? { head: query.get('head')?.split(':')[1] ?? '' } : {}),
    ...(query.has('base') ? { base: query.get('base') ?? '' } : {}),
  }),
};

const DIALECTS: Record<ForgeProvider, Dialect> = {
  github: gitHub,
  gitea: gitHub,
  gitlab: {
    prefix: /^.*\/projects\/[^/]+/,
    read: (it) =>
      given({
        ...{ title: text(it.title), body: text(it.description) },
        ...{ head: text(it.source_branch), base: text(it.target_branch) },
        ...(it.state_event === 'close' ? { state: 'closed' as const } : {}),
        ...(it.labels ? { labels: String(it.labels).split(',') } : {}),
        ...(it.reviewer_ids ? { reviewers: texts(it.reviewer_ids) } : {}),
      }),
    write: (it) => ({
      ...{ iid: it.number, title: it.title, description: it.body, sha: it.headCommit },
      ...{ source_branch: it.head, target_branch: it.base, web_url: `https://forge/${it.number}` },
      state: it.state === 'open' ? 'opened' : it.state,
    }),
    list: (found) => found,
    wants: (query) => ({
      head: query.get('source_branch') ?? '',
      base: query.get('target_branch') ?? '',
    }),
  },
  bitbucket: {
    prefix: /^.*\/repositories\/[^/]+\/[^/]+/,
    read: (it) =>
      given({
        ...{ title: text(it.title), body: text(it.description) },
        head: text(at(it, 'source', 'branch', 'name')),
        base: text(at(it, 'destination', 'branch', 'name')),
        ...(it.reviewers ? { reviewers: texts(it.reviewers, 'account_id') } : {}),
      }),
    write: (it) => ({
      ...{ id: it.number, title: it.title, description: it.body },
      state: { open: 'OPEN', closed: 'DECLINED', merged: 'MERGED' }[it.state],
      source: { branch: { name: it.head }, commit: { hash: it.headCommit.slice(0, 12) } },
      destination: { branch: { name: it.base } },
      links: { html: { href: `https://forge/${it.number}` } },
    }),
    list: (values) => ({ values }),
    wants(query) {
      const [, head = '', base = ''] =
        /source\.branch\.name = "(.*)" AND destination\.branch\.name = "(.*)"/.exec(
          query.get('q') ?? '',
        ) ?? [];
      return { head, base };
    },
  },
  azuredevops: {
    prefix: /^.*\/_apis\/git\/repositories\/[^/]+/,
    read: (it) =>
      given({
        ...{ title: text(it.title), body: text(it.description) },
        ...(it.sourceRefName
          ? { head: short(it.sourceRefName), base: short(it.targetRefName) }
          : {}),
        ...(it.status === 'abandoned' ? { state: 'closed' as const } : {}),
        ...(it.labels ? { labels: texts(it.labels, 'name') } : {}),
        ...(it.reviewers ? { reviewers: texts(it.reviewers, 'id') } : {}),
      }),
    write: (it) => ({
      ...{ pullRequestId: it.number, title: it.title, description: it.body },
      status: { open: 'active', closed: 'abandoned', merged: 'completed' }[it.state],
      lastMergeSourceCommit: { commitId: it.headCommit },
    }),
    list: (value) => ({ value }),
    wants: (query) => ({
      head: short(query.get('searchCriteria.sourceRefName')),
      base: short(query.get('searchCriteria.targetRefName')),
    }),
  },
};

export async function startFakeForge(provider: ForgeProvider): Promise<FakeForge> {
  const dialect = DIALECTS[provider];
  const pullRequests: FakePullRequest[] = [];

  async function answer(method: string, url: URL, body: Fields): Promise<unknown> {
    if (url.pathname.endsWith('/users')) return [{ id: 7 }];
    const path = url.pathname.replace(dialect.prefix, '');
    const [, number, rest] =
      /^\/(?:pulls|issues|pullrequests|merge_requests)(?:\/(\d+))?(?:\/(\w+))?/.exec(path) ?? [];
    const found = pullRequests.find((it) => it.number === Number(number));
    const sent = dialect.read(body);
    if (found === undefined && method === 'GET') {
      const { head, base } = dialect.wants(url.searchParams);
      const all = pullRequests.filter(
        (it) =>
          (head === undefined || it.head === head) && (base === undefined || it.base === base),
      );
      return dialect.list(all.map(dialect.write));
    }
    if (found === undefined) {
      const made: FakePullRequest = {
        ...{ number: pullRequests.length + 1, head: '', base: '', title: '', body: '' },
        ...{ state: 'open', headCommit: '', labels: [], reviewers: [] },
        ...sent,
      };
      made.headCommit = await forge.commitOf(made.head);
      pullRequests.push(made);
      return dialect.write(made);
    }
    if (rest === 'decline') found.state = 'closed';
    else if (rest === 'labels') found.labels.push(...(sent.labels ?? texts([body.name])));
    else Object.assign(found, sent);
    return dialect.write(found);
  }

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://forge');
    forge.requests.push(`${request.method} ${url.pathname}`);
    forge.authorizations.add(request.headers.authorization ?? '');
    readBody(request)
      .then((body) => {
        if (forge.failWith !== undefined)
          return response.writeHead(forge.failWith).end('the secret');
        return answer(request.method ?? '', url, body).then((sent) =>
          response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(sent)),
        );
      })
      .catch((error: unknown) => response.writeHead(500).end(String(error)));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const forge: FakeForge = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ pullRequests, requests: [], authorizations: new Set(), failWith: undefined },
    commitOf: () => '',
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return forge;
}

async function readBody(request: IncomingMessage): Promise<Fields> {
  let sent = '';
  for await (const chunk of request) sent += String(chunk);
  return sent === '' ? {} : (JSON.parse(sent) as Fields);
}
