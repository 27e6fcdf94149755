import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { keepConnections } from '@weir/net';
import { vaultDecrypt, vaultLogin } from './index.ts';

/** A server that answers as the API of OpenBao documents it. */
async function serveVault(t: TestContext, answer?: (response: ServerResponse) => void) {
  const requests: string[] = [];
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    requests.push(`${request.method} ${request.url}`);
    if (answer) return answer(response);
    const body = JSON.parse(text) as Record<string, string>;
    const send = (status: number, data: object) =>
      response.writeHead(status).end(JSON.stringify(data));
    if (request.url === '/v1/auth/kubernetes/login') {
      if (body.role !== 'apps_reader' || body.jwt !== 'jwt') return send(403, { errors: ['no'] });
      return send(200, { auth: { client_token: 'hvs.token' } });
    }
    if (request.headers['x-vault-token'] !== 'hvs.token')
      return send(403, { errors: ['secret of the server'] });
    if (request.url !== '/v1/a/sops/decrypt/first') return send(404, { errors: [] });
    if (body.ciphertext !== 'vault:v1:abc') return send(400, { errors: ['invalid ciphertext'] });
    send(200, { data: { plaintext: Buffer.from('key').toString('base64') } });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const connections = keepConnections({ allowLocal: true });
  t.after(() => connections.close());
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { requests, address, options: { connections, signal: AbortSignal.timeout(5_000) } };
}

test('decrypts, with a token that an account got', async (t) => {
  const { address, options, requests } = await serveVault(t);
  const login = { address, loginPath: 'auth/kubernetes/login', role: 'apps_reader', jwt: 'jwt' };
  const token = await vaultLogin(login, options);
  const key = { address: `${address}/`, path: '/a/sops/', name: 'first' };
  const plain = await vaultDecrypt(key, 'vault:v1:abc', token, options);
  assert.equal(plain.toString(), 'key');
  assert.deepEqual(requests, ['PUT /v1/auth/kubernetes/login', 'PUT /v1/a/sops/decrypt/first']);
  await assert.rejects(vaultLogin({ ...login, role: 'other' }, options), /answered 403/);
});

test('failures say what to do, and quote nothing', async (t) => {
  const { address, options } = await serveVault(t);
  const key = { address, path: 'a/sops', name: 'first' };
  const fails = (what: Partial<typeof key>, ciphertext: string, token: string, message: RegExp) =>
    assert.rejects(
      vaultDecrypt({ ...key, ...what }, ciphertext, token, options),
      (error: Error) => {
        assert.equal(error.name, 'KmsError');
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /secret of the server|hvs\.|hunter2/);
        return true;
      },
    );
  await fails({}, 'vault:v1:abc', 'hvs.other', /answered 403.*may not use that key/);
  await fails({}, 'vault:v1:other', 'hvs.token', /answered 400.*can not decrypt/);
  await fails(
    { name: 'second' },
    'vault:v1:abc',
    'hvs.token',
    /answered 404.*no such engine or key/,
  );
  await fails({}, 'vault:v1:abc', 'hvs.\r\nx: y', /characters/);
  for (const what of [
    { name: '../../sys/seal' },
    { name: '..' },
    { name: 'a?b' },
    { path: 'a/../b' },
    { path: '', name: '' },
  ]) {
    await fails(what, 'vault:v1:abc', 'hvs.token', /letters, digits, dots/);
  }
  for (const wrong of ['file:///etc', 'nowhere', 'http://user:hunter2@host/']) {
    await fails({ address: wrong }, 'vault:v1:abc', 'hvs.token', /is no URL such as/);
  }
});

test('a server that hangs, redirects, says nonsense or is at a refused address', async (t) => {
  const key = { path: 'sops', name: 'first' };
  const silent = await serveVault(t, () => undefined);
  const soon = { ...silent.options, signal: AbortSignal.timeout(200) };
  await assert.rejects(
    vaultDecrypt({ ...key, address: silent.address }, 'c', 't', soon),
    /in time/,
  );
  const moved = await serveVault(t, (response) => {
    response.writeHead(307, { location: '/elsewhere' }).end();
  });
  await assert.rejects(
    vaultDecrypt({ ...key, address: moved.address }, 'c', 't', moved.options),
    /answered 307/,
  );
  assert.equal(moved.requests.length, 1);
  const senseless = await serveVault(t, (response) => {
    response.end('<html>');
  });
  const { address, options } = senseless;
  await assert.rejects(vaultDecrypt({ ...key, address }, 'c', 't', options), /no plain text/);
  const strict = keepConnections({});
  t.after(() => strict.close());
  const refused = { ...options, connections: strict };
  await assert.rejects(vaultDecrypt({ ...key, address }, 'c', 't', refused), /127\.0\.0\.1/);
});
