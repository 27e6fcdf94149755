import { deepEqual, equal, rejects, throws } from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { AddressRefused } from './address.ts';
import { checkHost, type Resolver, resolveAllowed } from './lookup.ts';
import { openRequest } from './request.ts';

const server = createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
after(() => server.close());

/** A resolver that an attacker's name server would make: each name has the addresses given. */
function resolverOf(...addresses: string[]): Resolver {
  return (_, __, callback) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
}

async function statusOf(url: string, allowLocal?: boolean): Promise<number | undefined> {
  const request = openRequest(new URL(url), {}, { allowLocal });
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}

test('a name that resolves to this machine is refused when the connection is made', async () => {
  await rejects(statusOf(`http://localhost:${port}`), AddressRefused);
  equal(await statusOf(`http://localhost:${port}`, true), 200);
});

test('an IP address in a URL is refused however it is written', async () => {
  const hosts = ['127.0.0.1', '2130706433', '0x7f.1', '0177.0.0.1', '[::1]', '[::ffff:127.0.0.1]'];
  for (const host of [...hosts, '0', '169.254.169.254']) {
    await rejects(statusOf(`http://${host}:${port}`), AddressRefused, host);
  }
  equal(await statusOf(`http://127.0.0.1:${port}`, true), 200);
});

test('the addresses of a name are the allowed ones', async () => {
  const mixed = resolverOf('127.0.0.1', '10.1.2.3', 'fe80::1', '2001:db8::1');
  deepEqual(await resolveAllowed('git.example', {}, mixed), ['10.1.2.3', '2001:db8::1']);
  const bad = resolverOf('::ffff:169.254.169.254');
  await rejects(resolveAllowed('git.example', {}, bad), /'git\.example' resolves to .* metadata/);
  const all = await resolveAllowed('git.example', { allowLocal: true }, mixed);
  equal(all.length, 4);
  await rejects(resolveAllowed('git.example', {}, resolverOf()), /has no address/);
});

test('a host that is an address needs no resolver', async () => {
  const none: Resolver = () => throws(() => undefined);
  deepEqual(await resolveAllowed('[2001:db8::1]', {}, none), ['2001:db8::1']);
  await rejects(resolveAllowed('[::1]', {}, none), AddressRefused);
  throws(() => checkHost('[::1]'), AddressRefused);
  checkHost('[::1]', { allowLocal: true });
  checkHost('localhost');
});
