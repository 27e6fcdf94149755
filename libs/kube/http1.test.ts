import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { credentialSource } from './credentials.ts';
import { ConnectionError } from './errors.ts';
import { callerFor, GET, POST, readAll } from './testing/calls.ts';
import { endpointAt, tlsOptions } from './testing/server.ts';

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
