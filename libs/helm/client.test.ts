import { deepEqual, equal, match, ok, rejects, throws } from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type ChartRepository, listen, startChartRepository } from '@weir/cluster';
import { type Client, type ClientOptions, openClient } from './client.ts';
import { HelmError } from './errors.ts';
import { indexUrl } from './url.ts';

const login = { username: 'user', password: 'secret-password' };

describe('a client of a chart repository', () => {
  let own: ChartRepository;
  let other: ChartRepository;
  const clients: Client[] = [];
  before(async () => {
    own = await startChartRepository();
    other = await startChartRepository();
    for (const server of [own, other]) server.put('/charts/app.tgz', 'package');
    own.put('/charts/index.yaml', 'apiVersion: v1\n');
    own.protect('/charts/index.yaml', login);
  });
  after(async () => {
    for (const client of clients) client.close();
    await own.close();
    await other.close();
  });

  function open(options: Partial<ClientOptions> = {}): Client {
    const client = openClient({ url: `${own.url}/charts`, allowLocal: true, ...options });
    clients.push(client);
    return client;
  }

  async function read(client: Client, url: URL, options = {}) {
    const answer = await client.get(url, {
      ...{ maxBytes: 1_000, tooLarge: 'too large', signal: AbortSignal.timeout(5_000) },
      ...options,
    });
    if (answer === undefined) return undefined;
    const parts: Buffer[] = [];
    for await (const part of answer.content) parts.push(part);
    return { text: Buffer.concat(parts).toString(), validators: answer.validators };
  }

  const reason = (wanted: string, message: RegExp) => (error: unknown) => {
    ok(error instanceof HelmError);
    equal(error.reason, wanted);
    match(error.message, message);
    ok(!error.message.includes(login.password));
    return true;
  };

  test('what did not change is not sent again', async () => {
    const client = open({ credentials: login });
    const url = indexUrl(`${own.url}/charts/`);
    const first = await read(client, url);
    equal(first?.text, 'apiVersion: v1\n');
    equal(await read(client, url, { known: first?.validators }), undefined);
    deepEqual(
      own.requests().map(({ status }) => status),
      [200, 304],
    );
  });

  test('another status is an error with the words of Flux', async () => {
    const url = new URL(`${own.url}/charts/none.tgz`);
    const wanted = reason(
      'UnexpectedStatus',
      /^failed to fetch http:\S+none\.tgz : 404 Not Found$/,
    );
    await rejects(read(open(), url), wanted);
    const index = indexUrl(`${own.url}/charts`);
    await rejects(read(open(), index), reason('UnexpectedStatus', / : 401 Unauthorized$/));
  });

  test('credentials are for the host of the repository', async () => {
    const url = new URL(`${other.url}/charts/app.tgz`);
    await read(open({ credentials: login }), url);
    equal(other.requests().at(-1)?.authorization, undefined);
    await read(open({ credentials: login, passCredentials: true }), url);
    match(other.requests().at(-1)?.authorization ?? '', /^Basic /);
  });

  test('no redirect carries credentials to another host', async () => {
    own.answer('/charts/moved', { redirect: `${other.url}/charts/app.tgz` });
    const url = new URL(`${own.url}/charts/moved.tgz`);
    for (const passCredentials of [false, true]) {
      const got = await read(open({ credentials: login, passCredentials }), url);
      equal(got?.text, 'package');
      match(own.requests().at(-1)?.authorization ?? '', /^Basic /);
      equal(other.requests().at(-1)?.authorization, undefined);
    }
  });

  test('redirects in a circle and to other protocols are refused', async () => {
    own.answer('/charts/circle', { redirect: `${own.url}/charts/circle.tgz` });
    own.answer('/charts/file', { redirect: 'file:///etc/passwd' });
    const read_ = (name: string) => read(open(), new URL(`${own.url}/charts/${name}.tgz`));
    await rejects(read_('circle'), reason('Refused', /more than 5 redirects is not followed/));
    await rejects(read_('file'), reason('Refused', /neither https nor http is not followed/));
    await rejects(read(open(), new URL('file:///etc/passwd')), reason('InvalidUrl', /protocol/));
  });

  test('addresses of this machine are refused', async () => {
    const url = new URL(`${own.url}/charts/app.tgz`);
    await rejects(read(open({ allowLocal: false }), url), reason('Refused', /loopback address/));
  });

  test('an answer is bounded, with and without a length that says so', async () => {
    const server = await listen((request, response) => {
      const content = Buffer.alloc(2_000, 'x');
      if (request.url === '/long') response.setHeader('content-length', content.length);
      response.write(content);
      if (request.url === '/cut') setTimeout(() => response.destroy(), 20);
      else response.end();
    });
    const get = (path: string, maxBytes: number) =>
      read(open(), new URL(`${server.url}${path}`), { maxBytes });
    await rejects(get('/long', 1_000), reason('TooLarge', /^too large$/));
    await rejects(get('/chunked', 1_000), reason('TooLarge', /^too large$/));
    await rejects(get('/cut', 3_000), reason('Truncated', /before the answer was whole/));
    await server.close();
  });

  test('a server that says nothing is given up', async () => {
    const server = await listen(() => undefined);
    const signal = AbortSignal.timeout(100);
    const hanging = read(open(), new URL(server.url), { signal });
    await rejects(hanging, reason('Timeout', /context deadline exceeded/));
    await server.close();
    await rejects(read(open(), new URL(server.url)), reason('Unreachable', /connection refused/));
  });

  test('what is no certificate is said before anything is sent', () => {
    throws(() => open({ tls: { ca: 'text' } }), reason('InvalidConfiguration', /PEM/));
  });
});
