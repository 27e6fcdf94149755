import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import type { Target } from '../providers/target.ts';
import { DeliveryError } from './errors.ts';
import { postJson } from './post.ts';

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
  address,
  headers: {},
  timeoutMs: 5_000,
  ...more,
});

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
      assert.equal(error.message, `request failed with status code ${status}: because`);
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

  it('gives up on a slow receiver after the time limit, without telling the address', async (t) => {
    const url = await listen(t, () => undefined);
    const target = targetOf(`${url}/services/secret-token`, { timeoutMs: 50 });
    const error = await failure(postJson(target, { body: '{}' }));
    assert.match(error.message, /no answer within 50 ms/);
    assert.doesNotMatch(error.message, /secret-token/);
    assert.equal(error.permanent, false);
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

  it('reads no more of an answer than an error text needs', async (t) => {
    const url = await listen(t, (_, response) => {
      response.writeHead(500).write('x'.repeat(200_000));
    });
    const error = await failure(postJson(targetOf(url), { body: '{}' }));
    assert.ok(error.message.length < 400);
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
