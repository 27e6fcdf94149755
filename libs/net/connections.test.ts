import { equal, rejects, throws } from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { AddressRefused } from './address.ts';
import { type ConnectionOptions, keepConnections } from './connections.ts';

let connections = 0;
const server = createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1');
server.on('connection', () => connections++);
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
after(() => server.close());

async function get(options: ConnectionOptions, ...hosts: string[]): Promise<void> {
  const kept = keepConnections(options);
  try {
    for (const host of hosts) {
      const request = await kept.open(new URL(`http://${host}:${port}/`), {});
      request.end();
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      equal(response.statusCode, 200);
      response.resume();
      await once(response, 'end');
    }
  } finally {
    kept.close();
  }
}

test('a connection is used again', async () => {
  const before = connections;
  await get({ allowLocal: true }, '127.0.0.1', '127.0.0.1', '127.0.0.1');
  equal(connections - before, 1);
});

test('addresses of this machine are refused, by name and as a number, of host and proxy', async () => {
  for (const host of ['127.0.0.1', 'localhost', '0x7f000001', '[::1]', '0']) {
    await rejects(get({}, host), AddressRefused, host);
    await rejects(get({ proxy: `http://${host}:${port}` }, 'example.com'), AddressRefused, host);
  }
});

test('the proxies of the operator count unless a proxy is given', async () => {
  const environment = { HTTP_PROXY: `http://127.0.0.1:${port}` };
  await get({ environment, allowLocal: true }, 'unknown.invalid');
  const exempt = { HTTP_PROXY: 'http://127.0.0.1:1', NO_PROXY: '127.0.0.1' };
  await get({ environment: exempt, allowLocal: true }, '127.0.0.1');
});

test('what is no certificate or key is refused at once', () => {
  throws(() => keepConnections({ tls: { ca: 'no PEM' } }), /PEM/);
  throws(() => keepConnections({ tls: { certificate: 'x', key: 'y' } }), /PEM/);
});
