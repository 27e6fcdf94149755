import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { constants } from 'node:http2';
import https from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { until } from '@weir/cluster';
import { type Caller, createCaller } from './caller.ts';
import type { RawRequest } from './client.ts';
import { credentialSource, noCredentials, tokenCredentials } from './credentials.ts';
import type { Endpoint } from './dial.ts';
import { ApiError, ConnectionError, RequestTimeoutError } from './errors.ts';
import {
  answer,
  authority,
  endpointAt,
  type Handler,
  refuse,
  serve,
  tlsOptions,
} from './testing/server.ts';
import { tapTo } from './testing/wire-tap.ts';
import { createTransport, type TransportOptions } from './transport.ts';
import type { WireStream } from './wire.ts';

const GET: RawRequest = { method: 'GET', path: '/version' };
const POST: RawRequest = { method: 'POST', path: '/things', body: { a: 1 } };

/** A server and a caller for it, both closed after the test. */
async function setUp(t: TestContext, handler: Handler, settings = {}) {
  const server = await serve(handler, settings);
  t.after(() => server.close());
  return { server, caller: callerFor(t, server.endpoint) };
}

function callerFor(
  t: TestContext,
  endpoint: Endpoint,
  options: TransportOptions = {},
  credentials = noCredentials(),
): Caller {
  const transport = createTransport(endpoint, credentials, options);
  t.after(() => transport.close());
  return createCaller(transport, { 'user-agent': 'weir/test' });
}

async function readAll({ chunks }: WireStream): Promise<string> {
  let text = '';
  for await (const chunk of chunks) text += chunk.toString();
  return text;
}

describe('streams', () => {
  it('never are more on a connection than the server allows, over two connections', async (t) => {
    let most = 0;
    const { server, caller } = await setUp(
      t,
      (stream) => {
        assert.ok(stream.session);
        open.set(stream.session, (open.get(stream.session) ?? 0) + 1);
        most = Math.max(most, ...open.values());
        setTimeout(() => {
          if (stream.session) open.set(stream.session, (open.get(stream.session) ?? 1) - 1);
          answer(stream, { ok: true });
        }, 5);
      },
      { settings: { maxConcurrentStreams: 20 } },
    );
    const open = new Map<object, number>();
    const all = await Promise.all(Array.from({ length: 200 }, () => caller.request(GET)));
    assert.equal(all.length, 200);
    assert.equal(server.connections(), 2);
    assert.ok(most <= 20, `${most} at once`);
  });

  it('of watches have connections of their own, as many as they need', async (t) => {
    const { server, caller } = await setUp(
      t,
      (stream, headers) => {
        if (headers[':path'] === '/version') return answer(stream, {});
        stream.respond({ ':status': 200 });
      },
      { settings: { maxConcurrentStreams: 10 } },
    );
    const stop = new AbortController();
    await Promise.all(
      Array.from({ length: 25 }, () => caller.stream({ ...GET, path: '/watch' }, stop.signal)),
    );
    assert.equal(server.connections(), 3);
    await caller.request(GET);
    assert.equal(server.connections(), 4);
    stop.abort();
  });

  it('wait for their turn, and give up when the caller does', async (t) => {
    const waiting = new Set<() => void>();
    const { caller } = await setUp(t, (stream) => waiting.add(() => answer(stream, {})), {
      settings: { maxConcurrentStreams: 1 },
    });
    const first = [caller.request(GET), caller.request(GET)];
    await until(() => waiting.size >= 1, { timeoutMs: 5_000, message: 'the first request' });
    const stop = new AbortController();
    const late = caller.request({ ...GET, signal: stop.signal });
    stop.abort(new Error('enough'));
    await assert.rejects(late, /enough/);
    const answering = setInterval(() => {
      for (const go of waiting) go();
    }, 5);
    t.after(() => clearInterval(answering));
    await Promise.all(first);
  });
});

describe('a connection that goes away', () => {
  it('by a GOAWAY finishes what it has; what it refused goes over a new one, creates too', async (t) => {
    let seen = 0;
    const { server, caller } = await setUp(t, (stream) => {
      seen += 1;
      if (seen > 1) return answer(stream, { connection: server.connections() });
      // The first stream gets its answer later; whatever comes after it is not looked at.
      stream.session?.goaway(constants.NGHTTP2_NO_ERROR, stream.id);
      setTimeout(() => answer(stream, { connection: 1 }), 50);
    });
    const first = caller.request(POST);
    await until(() => seen === 1, { timeoutMs: 5_000, message: 'the first request' });
    const others = await Promise.all([caller.request(POST), caller.request(POST)]);
    assert.deepEqual(others, [{ connection: 2 }, { connection: 2 }]);
    assert.deepEqual(await first, { connection: 1 });
  });

  it('with a refused stream repeats even a create', async (t) => {
    let seen = 0;
    const { caller } = await setUp(t, (stream) => {
      seen += 1;
      if (seen === 1) return stream.close(constants.NGHTTP2_REFUSED_STREAM);
      answer(stream, { seen });
    });
    assert.deepEqual(await caller.request(POST), { seen: 2 });
  });

  it('in the middle of an answer repeats a get, but not a create', async (t) => {
    let seen = 0;
    const { caller } = await setUp(t, (stream) => {
      seen += 1;
      if (seen % 2 === 0) return answer(stream, { seen });
      stream.respond({ ':status': 200 });
      stream.write('{"half":');
      setTimeout(() => stream.session?.destroy(), 5);
    });
    assert.deepEqual(await caller.request(GET), { seen: 2 });
    await assert.rejects(
      caller.request(POST),
      (error) => error instanceof ConnectionError && error.sent,
    );
    assert.equal(seen, 3);
  });

  it('makes a watch throw, and one that the server ends does not', async (t) => {
    const { caller } = await setUp(t, (stream, headers) => {
      stream.respond({ ':status': 200 });
      stream.write('line\n');
      if (headers[':path'] === '/end') return stream.end();
      setTimeout(() => stream.session?.destroy(), 5);
    });
    const { signal } = new AbortController();
    assert.equal(await readAll(await caller.stream({ ...GET, path: '/end' }, signal)), 'line\n');
    await assert.rejects(
      async () => readAll(await caller.stream({ ...GET, path: '/cut' }, signal)),
      ConnectionError,
    );
  });

  it('without a word is noticed by its silence', async (t) => {
    const server = await serve((stream) => stream.respond({ ':status': 200 }));
    t.after(() => server.close());
    const tap = await tapTo(server.port);
    t.after(() => tap.close());
    const caller = callerFor(t, endpointAt(tap.port), {
      pulse: { everyMs: 50, deadAfterMs: 200 },
    });
    const watch = await caller.stream(GET, new AbortController().signal);
    tap.freeze();
    await assert.rejects(readAll(watch), /no sign of life/);
  });

  it('is not suspected because this process was busy', async (t) => {
    const { server } = await setUp(t, (stream) => {
      stream.respond({ ':status': 200 });
      stream.write('before\n');
      setTimeout(() => stream.end('after\n'), 800);
    });
    const caller = callerFor(t, server.endpoint, { pulse: { everyMs: 20, deadAfterMs: 100 } });
    const watch = await caller.stream(GET, new AbortController().signal);
    const busyUntil = performance.now() + 500;
    while (performance.now() < busyUntil);
    assert.equal(await readAll(watch), 'before\nafter\n');
  });

  it('is followed by another one when the server is back', async (t) => {
    const first = await serve((stream) => answer(stream, { server: 1 }));
    const tap = await tapTo(first.port);
    t.after(() => tap.close());
    const caller = callerFor(t, endpointAt(tap.port));
    assert.deepEqual(await caller.request(GET), { server: 1 });
    tap.cut();
    assert.deepEqual(await caller.request(GET), { server: 1 });
    assert.equal(tap.connections(), 2);
    await first.close();
    await assert.rejects(
      caller.request({ ...GET, timeoutMs: 300 }),
      (error) => error instanceof ConnectionError && !error.sent,
    );
  });
});

describe('a server that asks for time', () => {
  it('gets the time that Retry-After says', async (t) => {
    const times: number[] = [];
    const { caller } = await setUp(t, (stream) => {
      times.push(performance.now());
      if (times.length === 1) return refuse(stream, 429, 'TooManyRequests', { 'retry-after': '1' });
      answer(stream, { ok: true });
    });
    assert.deepEqual(await caller.request(POST), { ok: true });
    const [first = 0, second = 0] = times;
    assert.ok(second - first >= 990, `${second - first} ms`);
  });

  it('and more than the caller has makes the call fail at once, with that time', async (t) => {
    const { caller } = await setUp(t, (stream) =>
      refuse(stream, 503, 'ServiceUnavailable', { 'retry-after': '60' }),
    );
    await assert.rejects(
      caller.request(GET),
      (error) => error instanceof ApiError && error.retryAfterMs === 60_000,
    );
  });
});

describe('a slow server', () => {
  it('makes a call time out, and learns that nobody waits any more', async (t) => {
    const cancelled: number[] = [];
    let seen = 0;
    const { caller } = await setUp(t, (stream, headers) => {
      if (headers[':path'] === '/ready') return answer(stream, {});
      seen += 1;
      stream.on('close', () => cancelled.push(stream.rstCode ?? -1));
    });
    await caller.request({ ...GET, path: '/ready' });
    await assert.rejects(caller.request({ ...GET, timeoutMs: 300 }), RequestTimeoutError);
    const stop = new AbortController();
    const call = caller.request({ ...GET, signal: stop.signal });
    const aborted = assert.rejects(call, /changed my mind/);
    await until(() => seen === 2, { timeoutMs: 5_000, message: 'the second request' });
    stop.abort(new Error('changed my mind'));
    await aborted;
    await until(() => cancelled.length === 2, { timeoutMs: 5_000, message: 'both cancelled' });
    assert.deepEqual(cancelled, [constants.NGHTTP2_CANCEL, constants.NGHTTP2_CANCEL]);
  });
});

describe('who we are', () => {
  it('is renewed once when the server does not know us any more', async (t) => {
    const { server } = await setUp(t, (stream, headers) => {
      if (headers.authorization === 'Bearer t2') return answer(stream, { ok: true });
      refuse(stream, 401, 'Unauthorized');
    });
    let asked = 0;
    const tokens = tokenCredentials(async () => {
      asked += 1;
      return { token: `t${asked}`, expiresAt: Date.now() + 3_600_000 };
    }, new AbortController().signal);
    const caller = callerFor(t, server.endpoint, {}, tokens);
    await Promise.all([caller.request(GET), caller.request(GET), caller.request(POST)]);
    assert.equal(asked, 2);
    const stream = await caller.stream(GET, new AbortController().signal);
    assert.equal(await readAll(stream), '{"ok":true}');
  });

  it('is not shown to a server with the wrong name or authority', async (t) => {
    const { server } = await setUp(t, (stream) => answer(stream, {}));
    const wrongName = callerFor(t, { ...server.endpoint, servername: 'other.internal' });
    await assert.rejects(wrongName.request({ ...GET, timeoutMs: 1_000 }), /altnames/);
    const noAuthority = callerFor(t, { ...server.endpoint, ca: () => undefined });
    await assert.rejects(noAuthority.request({ ...GET, timeoutMs: 1_000 }), /certificate/);
    const rightName = callerFor(t, { ...server.endpoint, servername: 'api.internal' });
    assert.deepEqual(await rightName.request(GET), {});
  });

  it('may be a certificate, and a new one takes new connections', async (t) => {
    const { server } = await setUp(
      t,
      (stream) => {
        const socket = stream.session?.socket as TLSSocket;
        answer(stream, { user: socket.getPeerCertificate().subject.CN });
      },
      { requestCert: true },
    );
    const pairs = await Promise.all(['jane', 'john'].map((user) => authority.client(user)));
    let now = 0;
    const current = pairs.map(({ certificate, key }) => ({ cert: certificate, key }));
    const source = { current: () => current[now] ?? {}, renew: () => undefined };
    const caller = callerFor(t, server.endpoint, {}, source);
    assert.deepEqual(await caller.request(GET), { user: 'jane' });
    now = 1;
    assert.deepEqual(await caller.request(GET), { user: 'john' });
    await until(() => server.sessions.size === 1, { timeoutMs: 5_000, message: 'one connection' });
  });
});

describe('HTTP/1.1', () => {
  const listener: http.RequestListener = (request, response) => {
    if (request.url === '/watch') {
      response.write('one\n');
      return void setTimeout(() => response.end('two\n'), 10);
    }
    if (request.url === '/cut') {
      response.write('one\n');
      return void setTimeout(() => response.destroy(), 10);
    }
    request.resume();
    request.on('end', () =>
      response.end(
        JSON.stringify({
          version: request.httpVersion,
          method: request.method,
          authorization: request.headers.authorization,
        }),
      ),
    );
  };
  async function listen(t: TestContext, server: http.Server | https.Server): Promise<number> {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    return (server.address() as AddressInfo).port;
  }

  it('is spoken where the server offers nothing else', async (t) => {
    const port = await listen(t, https.createServer(tlsOptions, listener));
    const token = credentialSource({
      cluster: { name: 'c', server: '', skipTLSVerify: false },
      user: { name: 'u', token: 'abc' },
    });
    const caller = callerFor(t, endpointAt(port), {}, token);
    const expected = { version: '1.1', authorization: 'Bearer abc' };
    assert.deepEqual(await caller.request(GET), { ...expected, method: 'GET' });
    assert.deepEqual(await caller.request(POST), { ...expected, method: 'POST' });
    const { signal } = new AbortController();
    assert.equal(
      await readAll(await caller.stream({ ...GET, path: '/watch' }, signal)),
      'one\ntwo\n',
    );
    await assert.rejects(
      async () => readAll(await caller.stream({ ...GET, path: '/cut' }, signal)),
      ConnectionError,
    );
    const stop = new AbortController();
    const watch = await caller.stream({ ...GET, path: '/watch' }, stop.signal);
    stop.abort(new Error('enough'));
    await assert.rejects(readAll(watch), /enough/);
  });

  it('is spoken to plain servers', async (t) => {
    const port = await listen(t, http.createServer(listener));
    const caller = callerFor(t, endpointAt(port, { url: new URL(`http://127.0.0.1:${port}`) }));
    assert.deepEqual(await caller.request(GET), { version: '1.1', method: 'GET' });
  });
});

it('goes through an HTTP proxy, with its password', async (t) => {
  const { server } = await setUp(t, (stream) => answer(stream, { ok: true }));
  const targets: string[] = [];
  const proxy = http.createServer();
  proxy.on('connect', (request, near) => {
    const login = request.headers['proxy-authorization'];
    if (login !== `Basic ${Buffer.from('me:p@ss').toString('base64')}`) {
      return void near.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    }
    targets.push(request.url ?? '');
    const far = connect(server.port, '127.0.0.1', () => {
      near.write('HTTP/1.1 200 OK\r\n\r\n');
      near.pipe(far).pipe(near);
    });
    far.on('error', () => near.destroy());
    near.on('error', () => far.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.after(() => void proxy.close());
  const { port } = proxy.address() as AddressInfo;
  const through = (login: string) =>
    callerFor(t, { ...server.endpoint, proxy: new URL(`http://${login}@127.0.0.1:${port}`) });
  assert.deepEqual(await through('me:p%40ss').request(GET), { ok: true });
  assert.deepEqual(targets, [`127.0.0.1:${server.port}`]);
  await assert.rejects(through('me:wrong').request({ ...GET, timeoutMs: 1_000 }), (error) => {
    assert.ok(error instanceof ConnectionError);
    assert.match(error.message, /proxy .* answered 407 to CONNECT/);
    assert.doesNotMatch(error.message, /wrong/);
    return true;
  });
});

it('keeps the path of the server URL', async (t) => {
  const { server } = await setUp(t, (stream, headers) =>
    answer(stream, { path: headers[':path'] }),
  );
  const url = new URL('/k8s/clusters/c-1/', server.endpoint.url);
  const caller = callerFor(t, { ...server.endpoint, url });
  const { path } = await caller.request<{ path: string }>({
    ...GET,
    query: { labelSelector: 'a=b,c!=d', dryRun: undefined },
  });
  assert.equal(path, '/k8s/clusters/c-1/version?labelSelector=a%3Db%2Cc!%3Dd');
});
