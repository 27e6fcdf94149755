// API servers that a tenant names, and what is no API server at all.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { ClusterAccess } from './access.ts';
import { connectCluster } from './connect.ts';
import { ApiError, ConnectionError } from './errors.ts';
import { Secret } from './resources.ts';
import { answer, authority, type Handler, refuse, serve } from './testing/server.ts';

function accessTo(port: number): ClusterAccess {
  return {
    server: `https://127.0.0.1:${port}`,
    ca: authority.certificate,
    insecure: false,
    credentials: { authorization: 'Bearer t' },
  };
}

async function connectTo(t: TestContext, handler: Handler, allowLocal = true) {
  const server = await serve(handler);
  const client = connectCluster(accessTo(server.port), { addresses: { allowLocal } });
  t.after(async () => {
    await client.close();
    await server.close();
  });
  return { client, server };
}

describe('a server that somebody names', () => {
  it('is not talked to at an address of this machine', async (t) => {
    const { client, server } = await connectTo(t, (stream) => answer(stream, {}), false);
    await assert.rejects(client.get(Secret, { namespace: 'a', name: 'b' }), (error) => {
      assert.ok(error instanceof ConnectionError);
      return /'127\.0\.0\.1' is a loopback address, which is refused/.test(error.message);
    });
    assert.equal(server.connections(), 0);
    const proxied = { ...accessTo(server.port), proxy: `http://127.0.0.1:${server.port}` };
    const through = connectCluster(proxied, { addresses: {} });
    t.after(() => through.close());
    await assert.rejects(through.request({ method: 'GET', path: '/api' }), /loopback address/);
    assert.equal(server.connections(), 0);
  });

  it('is quoted only where it answers as an API server', async (t) => {
    const page = await connectTo(t, (stream) => {
      stream.respond({ ':status': 404, 'content-type': 'text/html' });
      stream.end('the page of an inner service');
    });
    await assert.rejects(page.client.request({ method: 'GET', path: '/x' }), (error) => {
      assert.ok(error instanceof ApiError);
      assert.equal(error.message, 'the server answered HTTP 404');
      return true;
    });
    const real = await connectTo(t, (stream) => refuse(stream, 403, 'Forbidden'));
    await assert.rejects(
      real.client.request({ method: 'GET', path: '/x' }),
      /^ApiError: Forbidden$/,
    );
  });

  it('can not fill the memory with an answer or an event', async (t) => {
    const piece = Buffer.alloc(1024 ** 2, 'x');
    const { client } = await connectTo(t, (stream, headers) => {
      const path = headers[':path'] ?? '';
      if (path.includes('limit=')) {
        answer(stream, { kind: 'SecretList', metadata: { resourceVersion: '1' }, items: [] });
        return;
      }
      stream.respond({ ':status': 200, 'content-type': 'application/json' });
      const pour = () => {
        while (!stream.destroyed && stream.write(piece));
        stream.once('drain', pour);
      };
      pour();
    });
    const large = /has more than 64 MiB$/;
    await assert.rejects(client.request({ method: 'GET', path: '/x' }), large);
    const stop = new AbortController();
    for await (const event of client.listWatch(Secret, { signal: stop.signal })) {
      if (event.type !== 'error') continue;
      assert.match(event.error.message, /has more than 8 MiB$/);
      stop.abort();
    }
  });
});
