import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connectionProblem, exchangeJson, keepConnections } from './index.ts';

const { signal } = new AbortController();

async function serve(t: TestContext, listener: RequestListener): Promise<URL> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/thing`);
}

function connect(t: TestContext) {
  const connections = keepConnections({ allowLocal: true });
  t.after(() => connections.close());
  return connections;
}

test('what is asked and answered is JSON', async (t) => {
  const url = await serve(t, (request, response) => {
    const { method, headers } = request;
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      response.statusCode = 201;
      response.end(
        JSON.stringify({ method, type: headers['content-type'], own: headers['x-own'], body }),
      );
    });
  });
  const connections = connect(t);
  const answer = await exchangeJson(connections, {
    method: 'POST',
    url,
    headers: { 'x-own': 'yes' },
    body: { a: 'ä' },
    signal,
  });
  assert.equal(answer.status, 201);
  const body = '{"a":"ä"}';
  assert.deepEqual(answer.body, { method: 'POST', type: 'application/json', own: 'yes', body });
  const bare = await exchangeJson(connections, { method: 'GET', url, signal });
  assert.deepEqual(bare.body, { method: 'GET', body: '' });
});

test('an answer is bounded, need not be JSON, and redirects are not followed', async (t) => {
  const url = await serve(t, (request, response) => {
    if (request.url === '/long') return response.end('x'.repeat(2000));
    response.writeHead(302, { location: '/long' }).end('<html>');
  });
  const connections = connect(t);
  const { status, body } = await exchangeJson(connections, { method: 'GET', url, signal });
  assert.deepEqual([status, body], [302, undefined]);
  const long = { method: 'GET', url: new URL('/long', url), maxBytes: 1000, signal } as const;
  await assert.rejects(exchangeJson(connections, long), (error) => {
    assert.equal(connectionProblem(error), 'an answer of more than 1000 bytes');
    return true;
  });
});

test('addresses of this machine are refused', async (t) => {
  const url = await serve(t, (_, response) => response.end('{}'));
  const connections = keepConnections({});
  t.after(() => connections.close());
  await assert.rejects(exchangeJson(connections, { method: 'GET', url, signal }), {
    code: 'EADDRREFUSED',
  });
});
