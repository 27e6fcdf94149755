import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, it } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { until } from '@weir/cluster';
import { ConnectionError } from './errors.ts';
import { callerFor, GET, setUp } from './testing/calls.ts';
import { answer, authority } from './testing/server.ts';

describe('TLS', () => {
  it('shows nothing to a server with the wrong name or authority', async (t) => {
    const { server } = await setUp(t, (stream) => answer(stream, {}));
    const wrongName = callerFor(t, { ...server.endpoint, servername: 'other.internal' });
    await assert.rejects(
      wrongName.request({ ...GET, timeoutMs: 1_000 }),
      /certificate is valid for other names, not other\.internal/,
    );
    const noAuthority = callerFor(t, { ...server.endpoint, ca: () => undefined });
    await assert.rejects(noAuthority.request({ ...GET, timeoutMs: 1_000 }), /certificate/);
    const rightName = callerFor(t, { ...server.endpoint, servername: 'api.internal' });
    assert.deepEqual(await rightName.request(GET), {});
  });

  it('knows us by a certificate, and a new one takes new connections', async (t) => {
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
  await assert.rejects(through('me:wrong').request(GET), (error) => {
    assert.ok(error instanceof ConnectionError);
    assert.match(error.message, /proxy .* answered 407 to CONNECT/);
    assert.doesNotMatch(error.message, /wrong/);
    return true;
  });
});
