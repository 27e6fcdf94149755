import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import type { Target } from '../providers/target.ts';
import { DeliveryError } from './errors.ts';
import { createLookup } from './lookup.ts';
import { createPoster, type Post } from './post.ts';

async function listen(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const targetOf = (address: string, more: Partial<Target> = {}): Target => ({
  namespace: 'team-a',
  address,
  headers: {},
  ...more,
});

const posterFor = (allowLocal: boolean) =>
  createPoster({ lookupFor: createLookup({ allowLocal, concurrency: 2 }), allowLocal });
const poster = posterFor(true);
const postJson = (target: Target, post: Post, timeoutMs = 5_000) =>
  poster(target, post, AbortSignal.timeout(timeoutMs));

const textOf = async (request: IncomingMessage) => (await request.toArray()).join('');

async function failure(sending: Promise<unknown>): Promise<DeliveryError> {
  const error = await sending.then(
    () => assert.fail('the message was taken'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof DeliveryError);
  return error;
}

describe('postJson', () => {
  it('posts JSON with the headers given and returns the answer', async (t) => {
    const seen: unknown[] = [];
    const url = await listen(t, async (request, response) => {
      seen.push([request.method, request.url, request.headers['content-type']]);
      seen.push(request.headers['x-team'], await textOf(request));
      response.end('ok');
    });
    const post = { body: '{"a":1}', headers: { 'x-team': 'a' } };
    assert.equal(await postJson(targetOf(`${url}/hook`), post), 'ok');
    assert.deepEqual(seen, [['POST', '/hook', 'application/json'], 'a', '{"a":1}']);
  });

  it('takes any 2xx for an answer', async (t) => {
    const url = await listen(t, (_, response) => response.writeHead(204).end());
    assert.equal(await postJson(targetOf(url), { body: '{}' }), '');
  });

  for (const [status, permanent] of [
    [400, true],
    [404, true],
    [408, false],
    [429, false],
    [500, false],
    [503, false],
  ] as const) {
    it(`takes ${status} for ${permanent ? 'final' : 'worth a retry'}`, async (t) => {
      const url = await listen(t, (_, response) => response.writeHead(status).end('because'));
      const error = await failure(postJson(targetOf(url), { body: '{}' }));
      assert.equal(error.permanent, permanent);
      assert.equal(error.message, `request failed with status code ${status}`);
    });
  }

  it('knows when the receiver wants it again, as seconds or as a date', async (t) => {
    let retryAfter = '7';
    const url = await listen(t, (_, response) =>
      response.writeHead(429, { 'retry-after': retryAfter }).end(),
    );
    assert.equal((await failure(postJson(targetOf(url), { body: '{}' }))).retryAfterMs, 7_000);
    retryAfter = new Date(Date.now() + 60_000).toUTCString();
    const { retryAfterMs } = await failure(postJson(targetOf(url), { body: '{}' }));
    assert.ok(retryAfterMs !== undefined && retryAfterMs > 50_000 && retryAfterMs <= 60_000);
  });

  it('gives up on a slow receiver after the time limit, without a word of the address', async (t) => {
    const url = await listen(t, () => undefined);
    const target = targetOf(`${url}/services/secret-token?key=secret-token`);
    const error = await failure(postJson(target, { body: '{}' }, 50));
    assert.match(error.message, /no answer within its timeout/);
    assert.doesNotMatch(error.message, /secret-token/);
    assert.equal(error.permanent, false);
  });

  it('gives up on an answer that never ends', async (t) => {
    const url = await listen(t, (_, response) => {
      response.writeHead(200).write('o');
      const dripping = setInterval(() => response.write('k'), 5);
      response.on('close', () => clearInterval(dripping));
    });
    const begun = performance.now();
    const error = await failure(postJson(targetOf(url), { body: '{}' }, 100));
    assert.match(error.message, /no answer within its timeout/);
    assert.ok(performance.now() - begun < 2_000);
  });

  it('is worth a retry when nobody listens', async (t) => {
    const url = await listen(t, (_, response) => response.end());
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    closed.close();
    const target = targetOf(url.replace(/:\d+$/, `:${port}`));
    const error = await failure(postJson(target, { body: '{}' }));
    assert.match(error.message, /ECONNREFUSED/);
    assert.equal(error.permanent, false);
  });

  it('reads no more of an endless answer than it needs, and quotes none of it', async (t) => {
    const url = await listen(t, (_, response) => {
      response.writeHead(500, 'secret reason').write('secret answer'.repeat(20_000));
    });
    const error = await failure(postJson(targetOf(url), { body: '{}' }));
    assert.doesNotMatch(error.message, /secret/);
  });

  it('follows no redirect, to whatever host', async (t) => {
    const asked: unknown[] = [];
    const other = await listen(t, (request, response) => {
      asked.push(request.headers.authorization);
      response.end();
    });
    const url = await listen(t, (_, response) =>
      response.writeHead(307, { location: `${other}/?token=secret` }).end(),
    );
    const headers = { authorization: 'Bearer secret' };
    const error = await failure(postJson(targetOf(url), { body: '{}', headers }));
    assert.match(error.message, /status code 307, a redirect, which is not followed$/);
    assert.equal(error.permanent, true);
    assert.deepEqual(asked, []);
  });

  it('refuses addresses of this machine, of targets and of proxies, unless allowed', async (t) => {
    let asked = 0;
    const url = await listen(t, (_, response) => {
      asked += 1;
      response.end();
    });
    const { port } = new URL(url);
    const strict = posterFor(false);
    const signal = AbortSignal.timeout(5_000);
    const hosts = ['127.0.0.1', 'localhost', '[::1]', '2130706433', '169.254.169.254'];
    for (const host of hosts) {
      const target = targetOf(`http://${host}:${port}/`);
      const error = await failure(strict(target, { body: '{}' }, signal));
      assert.equal(error.reason, 'AddressRefused', host);
      assert.equal(error.permanent, true);
    }
    const proxied = targetOf('http://hooks.example.com/', { proxy: url });
    assert.equal((await failure(strict(proxied, { body: '{}' }, signal))).reason, 'AddressRefused');
    assert.equal(asked, 0);
  });

  it('goes through the proxy', async (t) => {
    const url = await listen(t, (_, response) => response.end('ok'));
    const asked: (string | undefined)[] = [];
    const proxy = createServer().listen(0, '127.0.0.1');
    proxy.on('connect', (request, client) => {
      asked.push(request.url, request.headers['proxy-authorization']);
      const { hostname, port } = new URL(`http://${request.url}`);
      const upstream = connect(Number(port), hostname, () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        client.pipe(upstream).pipe(client);
      });
      client.on('error', () => upstream.destroy());
      upstream.on('error', () => client.destroy());
    });
    await once(proxy, 'listening');
    t.after(() => {
      proxy.closeAllConnections();
      proxy.close();
    });
    const { port } = proxy.address() as AddressInfo;
    const target = targetOf(url, { proxy: `http://user:word@127.0.0.1:${port}` });
    assert.equal(await postJson(target, { body: '{}' }), 'ok');
    assert.deepEqual(asked, [new URL(url).host, `Basic ${btoa('user:word')}`]);
  });
});
