import assert from 'node:assert/strict';
import { constants } from 'node:http2';
import { describe, it } from 'node:test';
import { proxyTo, until } from '@weir/cluster';
import { tokenCredentials } from './credentials.ts';
import { ApiError, ConnectionError, isUnavailable, RequestTimeoutError } from './errors.ts';
import { callerFor, GET, POST, readAll, setUp } from './testing/calls.ts';
import { answer, endpointAt, refuse, serve } from './testing/server.ts';

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
    let requests = 0;
    const { server, caller } = await setUp(t, (stream) => {
      requests += 1;
      if (requests > 1) return answer(stream, { connection: server.connections() });
      // The first stream gets its answer later; the server does not process the streams after it.
      stream.session?.goaway(constants.NGHTTP2_NO_ERROR, stream.id);
      setTimeout(() => answer(stream, { connection: 1 }), 50);
    });
    const first = caller.request(POST);
    await until(() => requests === 1, { timeoutMs: 5_000, message: 'the first request' });
    const others = await Promise.all([caller.request(POST), caller.request(POST)]);
    assert.deepEqual(others, [{ connection: 2 }, { connection: 2 }]);
    assert.deepEqual(await first, { connection: 1 });
  });

  it('with a refused stream repeats even a create', async (t) => {
    let requests = 0;
    const { caller } = await setUp(t, (stream) => {
      requests += 1;
      if (requests === 1) return stream.close(constants.NGHTTP2_REFUSED_STREAM);
      answer(stream, { requests });
    });
    assert.deepEqual(await caller.request(POST), { requests: 2 });
  });

  it('in the middle of an answer repeats a get, but not a create', async (t) => {
    let requests = 0;
    const { caller } = await setUp(t, (stream) => {
      requests += 1;
      if (requests % 2 === 0) return answer(stream, { requests });
      stream.respond({ ':status': 200 });
      stream.write('{"half":');
      setTimeout(() => stream.session?.destroy(), 5);
    });
    assert.deepEqual(await caller.request(GET), { requests: 2 });
    await assert.rejects(
      caller.request(POST),
      (error) => error instanceof ConnectionError && error.sent,
    );
    assert.equal(requests, 3);
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

  it('without closing is noticed because no byte arrives', async (t) => {
    const server = await serve((stream) => stream.respond({ ':status': 200 }));
    t.after(() => server.close());
    const proxy = await proxyTo(server.port);
    t.after(() => proxy.close());
    const caller = callerFor(t, endpointAt(proxy.port), {
      keepalive: { everyMs: 50, deadAfterMs: 200 },
    });
    const watch = await caller.stream(GET, new AbortController().signal);
    proxy.freeze();
    await assert.rejects(readAll(watch), /no sign of life/);
  });

  it('is not suspected because this process was busy', async (t) => {
    const { server } = await setUp(t, (stream) => {
      stream.respond({ ':status': 200 });
      stream.write('before\n');
      setTimeout(() => stream.end('after\n'), 800);
    });
    const caller = callerFor(t, server.endpoint, { keepalive: { everyMs: 20, deadAfterMs: 100 } });
    const watch = await caller.stream(GET, new AbortController().signal);
    const busyUntil = performance.now() + 500;
    while (performance.now() < busyUntil);
    assert.equal(await readAll(watch), 'before\nafter\n');
  });

  it('is followed by another one when the server is back', async (t) => {
    const first = await serve((stream) => answer(stream, { server: 1 }));
    const proxy = await proxyTo(first.port);
    t.after(() => proxy.close());
    const caller = callerFor(t, endpointAt(proxy.port));
    assert.deepEqual(await caller.request(GET), { server: 1 });
    proxy.cut();
    assert.deepEqual(await caller.request(GET), { server: 1 });
    assert.equal(proxy.connections(), 2);
    await first.close();
    await assert.rejects(
      caller.request({ ...GET, timeoutMs: 1_000 }),
      (error) => isUnavailable(error) && /cannot reach https:/.test(String(error)),
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
  it('makes a call time out, and the stream of that call is cancelled', async (t) => {
    const cancelled: number[] = [];
    let requests = 0;
    const { caller } = await setUp(t, (stream, headers) => {
      if (headers[':path'] === '/ready') return answer(stream, {});
      requests += 1;
      stream.on('close', () => cancelled.push(stream.rstCode ?? -1));
    });
    await caller.request({ ...GET, path: '/ready' });
    await assert.rejects(caller.request({ ...GET, timeoutMs: 300 }), RequestTimeoutError);
    const stop = new AbortController();
    const call = caller.request({ ...GET, signal: stop.signal });
    const aborted = assert.rejects(call, /changed my mind/);
    await until(() => requests === 2, { timeoutMs: 5_000, message: 'the second request' });
    stop.abort(new Error('changed my mind'));
    await aborted;
    await until(() => cancelled.length === 2, { timeoutMs: 5_000, message: 'both cancelled' });
    assert.deepEqual(cancelled, [constants.NGHTTP2_CANCEL, constants.NGHTTP2_CANCEL]);
  });
});

describe('credentials', () => {
  it('are renewed once when the server refuses them', async (t) => {
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
