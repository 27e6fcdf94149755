import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { rootCertificates } from 'node:tls';
import { DeliveryError } from '../../delivery/errors.ts';
import { targetOf as fixture } from '../../testing/fixtures.ts';
import type { Target } from '../target.ts';
import { createHttp, type HttpRequest } from './http.ts';
import { createLookup } from './lookup.ts';

async function listen(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const targetOf = (address: string, more: Partial<Target> = {}) =>
  fixture({ namespace: 'team-a', address, ...more });

const senderFor = (allowLocal: boolean) =>
  createHttp({ resolverFor: createLookup({ concurrency: 2 }), allowLocal });
const sender = senderFor(true);
const post = async (
  target: Target,
  request: Omit<HttpRequest, 'url'> & { signal?: AbortSignal } = {},
  { timeoutMs = 5_000, via = sender } = {},
) => {
  const url = target.address;
  return (await via(target, { body: '{}', ...request, url }, AbortSignal.timeout(timeoutMs))).text;
};

const textOf = async (request: IncomingMessage) => (await request.toArray()).join('');

async function failure(sending: Promise<unknown>): Promise<DeliveryError> {
  const error = await sending.then(
    () => assert.fail('the message was taken'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof DeliveryError);
  return error;
}

describe('a request to a receiver', () => {
  it('posts JSON with the headers given and returns the answer', async (t) => {
    const seen: unknown[] = [];
    const url = await listen(t, async (request, response) => {
      seen.push([request.method, request.url, request.headers['content-type']]);
      seen.push(request.headers['x-team'], await textOf(request));
      response.end('ok');
    });
    const headers = { 'content-type': 'application/json', 'x-team': 'a' };
    assert.equal(await post(targetOf(`${url}/hook`), { body: '{"a":1}', headers }), 'ok');
    assert.deepEqual(seen, [['POST', '/hook', 'application/json'], 'a', '{"a":1}']);
  });

  it('takes any 2xx for an answer', async (t) => {
    const url = await listen(t, (_, response) => response.writeHead(204).end());
    assert.equal(await post(targetOf(url)), '');
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
      const error = await failure(post(targetOf(url)));
      assert.equal(error.permanent, permanent);
      assert.equal(error.message, `request failed with status code ${status}`);
    });
  }

  it('knows when the receiver wants it again, as seconds or as a date', async (t) => {
    let retryAfter = '7';
    const url = await listen(t, (_, response) =>
      response.writeHead(429, { 'retry-after': retryAfter }).end(),
    );
    assert.equal((await failure(post(targetOf(url)))).retryAfterMs, 7_000);
    retryAfter = new Date(Date.now() + 60_000).toUTCString();
    const { retryAfterMs } = await failure(post(targetOf(url)));
    assert.ok(retryAfterMs !== undefined && retryAfterMs > 50_000 && retryAfterMs <= 60_000);
  });

  it('gives up on a slow receiver after the time limit, without a word of the address', async (t) => {
    const url = await listen(t, () => undefined);
    const target = targetOf(`${url}/services/secret-token?key=secret-token`);
    const error = await failure(post(target, {}, { timeoutMs: 50 }));
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
    const error = await failure(post(targetOf(url), {}, { timeoutMs: 100 }));
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
    const error = await failure(post(target));
    assert.match(error.message, /ECONNREFUSED/);
    assert.equal(error.permanent, false);
  });

  it('reads no more of an endless answer than it needs, and quotes none of it', async (t) => {
    const url = await listen(t, (_, response) => {
      response.writeHead(500, 'secret reason').write('secret answer'.repeat(20_000));
    });
    const error = await failure(post(targetOf(url)));
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
    const error = await failure(post(targetOf(url), { headers }));
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
    const via = senderFor(false);
    const hosts = ['127.0.0.1', 'localhost', '[::1]', '2130706433', '169.254.169.254'];
    for (const host of hosts) {
      const target = targetOf(`http://${host}:${port}/`);
      const error = await failure(post(target, {}, { via }));
      assert.equal(error.reason, 'AddressRefused', host);
      assert.equal(error.permanent, true);
    }
    const proxied = targetOf('http://hooks.example.com/', { proxy: url });
    assert.equal((await failure(post(proxied, {}, { via }))).reason, 'AddressRefused');
    assert.equal(asked, 0);
  });

  it('goes through the proxy', async () => {
    const asked: (string | undefined)[] = [];
    const proxy = createServer((request, response) => {
      asked.push(request.url, request.headers['proxy-authorization']);
      response.end('ok');
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    try {
      const { port } = proxy.address() as AddressInfo;
      const target = targetOf('http://hooks.example.com/x', {
        proxy: `http://user:word@127.0.0.1:${port}`,
      });
      assert.equal(await post(target), 'ok');
      assert.deepEqual(asked, ['http://hooks.example.com/x', `Basic ${btoa('user:word')}`]);
    } finally {
      proxy.closeAllConnections();
      proxy.close();
    }
  });

  it('uses a connection again, but not for another namespace or other certificates', async (t) => {
    const ports = new Set<number | undefined>();
    const url = await listen(t, (request, response) => {
      ports.add(request.socket.remotePort);
      response.end('ok');
    });
    for (let count = 0; count < 3; count++) await post(targetOf(url));
    assert.equal(ports.size, 1);
    await post(targetOf(url, { namespace: 'team-b' }));
    assert.equal(ports.size, 2);
    await post(targetOf(url, { tls: { ca: rootCertificates[0] ?? '' } }));
    assert.equal(ports.size, 3);
  });
});
