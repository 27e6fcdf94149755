import assert from 'node:assert/strict';
import { generateKeyPairSync, verify } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createInstallationToken, type GitHubApp } from './github-app.ts';

const network = { allowLocal: true };
const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const privateKey = keys.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();

/** Checks a JWT as GitHub documents it. */
function isAuthentic(header: string | undefined, issuer: string): boolean {
  const [head = '', claims = '', signature = ''] = (header ?? '').replace('Bearer ', '').split('.');
  const signed = Buffer.from(`${head}.${claims}`);
  if (!verify('sha256', signed, keys.publicKey, Buffer.from(signature, 'base64url'))) return false;
  const decode = (text: string) => JSON.parse(Buffer.from(text, 'base64url').toString());
  const { iat, exp, iss } = decode(claims);
  const now = Date.now() / 1000;
  return (
    decode(head).alg === 'RS256' && iss === issuer && iat <= now && exp > now && exp - iat <= 600
  );
}

describe('tokens of GitHub Apps', () => {
  let server: Server;
  let baseUrl: string;
  const requests: string[] = [];
  let answer: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;

  before(async () => {
    server = createServer((request, response) => {
      requests.push(`${request.method} ${request.url}`);
      if (answer?.(request, response)) return;
      const send = (status: number, body: object) =>
        response.writeHead(status).end(JSON.stringify(body));
      if (!isAuthentic(request.headers.authorization, '42')) return send(401, { message: 'no' });
      if (request.url === '/api/v3/users/ada/installation') return send(200, { id: 7 });
      if (request.url === '/api/v3/orgs/org/installation') return send(200, { id: 8 });
      if (/^\/api\/v3\/app\/installations\/[78]\/access_tokens$/.test(request.url ?? '')) {
        return send(201, { token: 'ghs_token', expires_at: '2026-11-24T12:00:00Z' });
      }
      send(404, { message: 'secret of the server' });
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v3`;
  });
  after(() => server.close());

  const app = (rest: Partial<GitHubApp> = {}): GitHubApp => ({
    ...{ id: '42', privateKey, installation: { id: '7' }, baseUrl },
    ...rest,
  });
  const token = (rest: Partial<GitHubApp> = {}, timeoutMs = 5_000) =>
    createInstallationToken(app(rest), { network, signal: AbortSignal.timeout(timeoutMs) });

  test('by the id of an installation, by an organization, by a user', async () => {
    const expected = { token: 'ghs_token', expiresAt: Date.parse('2026-11-24T12:00:00Z') };
    assert.deepEqual(await token(), expected);
    assert.deepEqual(await token({ installation: { owner: 'org' } }), expected);
    assert.equal(requests.at(-1), 'POST /api/v3/app/installations/8/access_tokens');
    assert.deepEqual(
      await token({ installation: { owner: 'ada' }, baseUrl: `${baseUrl}/` }),
      expected,
    );
    assert.equal(requests.at(-1), 'POST /api/v3/app/installations/7/access_tokens');
  });

  test('what the server says is not repeated', async () => {
    await assert.rejects(token({ installation: { owner: 'nobody' } }), (error: unknown) => {
      assert.match(
        String(error),
        /failed to find organization installation: GET http.*: 404.*; failed to find user/,
      );
      assert.doesNotMatch(String(error), /secret of the server/);
      return true;
    });
    await assert.rejects(token({ id: '43' }), /: 401 \(the app ID and the private key/);
  });

  test('what would lead elsewhere is refused before a request', async () => {
    const before = requests.length;
    for (const rest of [
      { installation: { id: '7/../../x' } },
      { installation: { owner: '..' } },
      { installation: { owner: 'a/b' } },
      { installation: { owner: '' } },
      { id: '' },
      { baseUrl: 'file:///etc' },
      { baseUrl: 'http://user:pw@host/' },
      { privateKey: 'hunter2-is-no-key' },
    ]) {
      await assert.rejects(token(rest), (error: unknown) => {
        assert.ok(error instanceof Error && error.name === 'ForgeError', String(error));
        assert.doesNotMatch(error.message, /hunter2|pw/);
        return true;
      });
    }
    assert.equal(requests.length, before);
  });

  test('redirects, endless and senseless answers, silence, refused addresses', async () => {
    const fails = async (reply: typeof answer, message: RegExp, timeoutMs?: number) => {
      answer = reply;
      await assert.rejects(token({}, timeoutMs), message);
      answer = undefined;
    };
    await fails(
      (_, response) => !!response.writeHead(307, { location: '/elsewhere' }).end(),
      /: 307/,
    );
    assert.ok(!requests.some((request) => request.includes('elsewhere')));
    await fails((_, response) => !!response.writeHead(201).end('x'.repeat(2_000_000)), /too large/);
    await fails((_, response) => !!response.writeHead(201).end('<html>'), /can not be read/);
    await fails((_, response) => !!response.writeHead(201).end('{}'), /holds no token/);
    const split = { token: 'a\r\nb', expires_at: '2026-11-24T12:00:00Z' };
    await fails((_, response) => !!response.writeHead(201).end(JSON.stringify(split)), /no token/);
    await fails(() => true, /in time/, 300);
    const strict = { network: {}, signal: AbortSignal.timeout(1_000) };
    await assert.rejects(createInstallationToken(app(), strict), { name: 'AddressRefused' });
  });
});
