import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createRsaCertificate } from '@weir/cluster';
import { type Connections, keepConnections } from '@weir/net';
import {
  azureToken,
  createTokenCache,
  googleToken,
  keepToken,
  managedIdentityToken,
  parseGoogleKey,
  TokenError,
} from './index.ts';
import { createGoogleKey, startTokenServer, type TokenServer } from './testing/index.ts';

const SCOPE = 'https://vault.azure.net/.default';

let server: TokenServer;
let connections: Connections;
before(async () => {
  server = await startTokenServer();
  connections = keepConnections({ allowLocal: true });
});
after(async () => {
  connections?.close();
  await server?.close();
});

const request = () => ({ connections, signal: AbortSignal.timeout(5_000) });

/** Fails, and shows nothing of the keys. */
async function refuses(asked: Promise<unknown>, message: RegExp, ...secrets: string[]) {
  await assert.rejects(asked, (error: unknown) => {
    assert.ok(error instanceof TokenError, String(error));
    assert.match(error.message, message);
    for (const secret of secrets) assert.ok(!error.message.includes(secret), error.message);
    return true;
  });
}

describe('a token of Entra', () => {
  const application = () => ({ tenantId: 'tenant', clientId: 'app', authorityHost: server.url });

  test('is had with a secret', async () => {
    server.applications.set('app', { clientSecret: 's3cret' });
    const { token, expiresAt } = await azureToken(
      { ...application(), clientSecret: 's3cret' },
      SCOPE,
      request(),
    );
    assert.equal(token, server.tokenFor('app', SCOPE));
    assert.ok(Math.abs(expiresAt - Date.now() - 3_600_000) < 60_000);
    assert.deepEqual(server.given.splice(0), [`/tenant/oauth2/v2.0/token app ${SCOPE}`]);
  });

  test('is had with a certificate, in any order and with an encrypted key', async () => {
    const own = await createRsaCertificate('application');
    const other = await createRsaCertificate('issuer');
    server.applications.set('app', { certificate: own.certificate });
    const files = [
      `${own.certificate}\n${own.key}`,
      `${own.key}\n${own.certificate}\n${other.certificate}`,
      `${other.certificate}\n${own.certificate}\n${own.key}`,
    ];
    for (const certificate of files) {
      const key = { ...application(), certificate, sendChain: true };
      assert.ok((await azureToken(key, SCOPE, request())).token);
    }
    const bad = { ...application(), certificate: `${other.certificate}\n${other.key}` };
    await refuses(azureToken(bad, SCOPE, request()), /HTTP status 401, invalid_client \(AADSTS/);
    for (const [certificate, message] of [
      [own.certificate, /no private key in PEM.*openssl pkcs12/],
      [`${other.certificate}\n${own.key}`, /is not that of its key/],
      [
        `${own.certificate}\n-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----`,
        /can not be read/,
      ],
    ] as const) {
      await refuses(
        azureToken({ ...application(), certificate }, SCOPE, request()),
        message,
        'AAAA',
      );
    }
  });

  test('is refused for what is wrong, in words that quote nothing', async () => {
    server.applications.set('app', { clientSecret: 's3cret' });
    const ask = (more: object) =>
      azureToken({ ...application(), clientSecret: 'wr0ng', ...more }, SCOPE, request());
    await refuses(ask({}), /HTTP status 401, invalid_client \(AADSTS7000215\)$/, 'wr0ng');
    await refuses(ask({ clientId: 'nobody' }), /unauthorized_client/);
    await refuses(ask({ tenantId: '../other' }), /characters that no tenant id has/);
    await refuses(ask({ authorityHost: 'http://login.example' }), /has to begin with https/);
    await refuses(ask({ authorityHost: 'https://user:pass@login.example' }), /is no URL/, 'pass');
  });
});

test('a token of a managed identity is had of the machine', async () => {
  server.identities.add('machine');
  const identity = { clientId: 'machine', metadata: server.url };
  const { token } = await managedIdentityToken(identity, SCOPE, request());
  assert.equal(token, server.tokenFor('machine', 'https://vault.azure.net'));
  const other = managedIdentityToken({ ...identity, clientId: 'a&b' }, SCOPE, request());
  await refuses(other, /HTTP status 400, invalid_request/);
});

describe('a token of Google', () => {
  test('is had with the key of a service account', async () => {
    const { json, publicKey } = createGoogleKey('ann@example.com', `${server.url}/token`);
    server.accounts.set('ann@example.com', publicKey);
    const { token } = await googleToken(parseGoogleKey(json), 'scope', request());
    assert.equal(token, server.tokenFor('ann@example.com', 'scope'));
    const other = createGoogleKey('ann@example.com', `${server.url}/token`);
    const asked = googleToken(parseGoogleKey(other.json), 'scope', request());
    await refuses(asked, /HTTP status 400, invalid_grant$/);
  });

  test('is had with no other kind of credentials', () => {
    const parse = (value: unknown) => () => parseGoogleKey(JSON.stringify(value));
    assert.throws(() => parseGoogleKey('s3cret'), { message: 'it is no JSON' });
    assert.throws(parse(null), /is not 'service_account'/);
    const program = {
      type: 'external_account',
      credential_source: { executable: { command: 'x' } },
    };
    assert.throws(parse(program), /is not 'service_account'/);
    assert.throws(
      parse({ type: 'service_account', private_key: 's3cret' }),
      /^TokenError: it lacks/,
    );
  });

  test('is not asked for with a key that is none, or at what is no URL', async () => {
    const key = { email: 'a', keyId: '', privateKey: 's3cret', tokenUrl: server.url };
    await refuses(googleToken(key, 'scope', request()), /can not be read/, 's3cret');
    const { json } = createGoogleKey('a', 'file:///etc/passwd');
    await refuses(googleToken(parseGoogleKey(json), 'scope', request()), /is no URL/);
  });
});

test('a token service that hangs, sends elsewhere, says nonsense or too much, or is at a refused address', async (t) => {
  server.applications.set('app', { clientSecret: 's3cret' });
  const key = { tenantId: 't', clientId: 'app', clientSecret: 's3cret', authorityHost: server.url };
  const ask = (signal = AbortSignal.timeout(5_000), own = connections) =>
    azureToken(key, SCOPE, { connections: own, signal });
  t.after(() => {
    server.intercept = undefined;
  });
  server.intercept = () => true;
  await refuses(ask(AbortSignal.timeout(200)), /gave no token in time/);
  const answers: [(response: import('node:http').ServerResponse) => void, RegExp][] = [
    [(response) => response.writeHead(307, { location: '/elsewhere' }).end(), /HTTP status 307/],
    [(response) => response.end('<html>'), /answered without a token/],
    [(response) => response.end('{"access_token":"a b\\n"}'), /answered without a token/],
    [(response) => response.end('x'.repeat(100_000)), /more than 65536 bytes/],
    [(response) => response.writeHead(400).end('{"error":"s3cret: is wrong"}'), /status 400$/],
  ];
  for (const [answer, message] of answers) {
    server.requests.length = 0;
    server.intercept = (response) => {
      answer(response);
      return true;
    };
    await refuses(ask(), message, 's3cret');
    assert.equal(server.requests.length, 1);
  }
  const strict = keepConnections({});
  t.after(() => strict.close());
  await refuses(ask(undefined, strict), /127\.0\.0\.1/);
});

describe('a token that is kept', () => {
  test('is asked for once, and anew before it ends', async () => {
    let asked = 0;
    let lifeMs = 3_600_000;
    const source = keepToken(async () => ({
      token: `token ${++asked}`,
      expiresAt: Date.now() + lifeMs,
    }));
    const { signal } = new AbortController();
    const tokens = await Promise.all([source(signal), source(signal)]);
    assert.deepEqual([...tokens, await source(signal)], ['token 1', 'token 1', 'token 1']);
    lifeMs = 0;
    const short = keepToken(async () => ({ token: `${++asked}`, expiresAt: Date.now() - 1 }));
    assert.notEqual(await short(signal), await short(signal));
  });

  test('is one of a bounded number, each of its own key', async () => {
    const cached = createTokenCache({ max: 2 });
    const { signal } = new AbortController();
    const asked: string[] = [];
    const get = (key: string) =>
      cached(
        [key],
        async () => {
          asked.push(key);
          return { token: `of ${key}`, expiresAt: Date.now() + 3_600_000 };
        },
        signal,
      );
    for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) assert.equal(await get(key), `of ${key}`);
    assert.deepEqual(asked, ['a', 'b', 'c', 'b']);
  });

  test('is not kept when there is none, and one who goes away takes it from nobody', async () => {
    let answer: (() => void) | undefined;
    let asked = 0;
    const source = keepToken(async () => {
      asked += 1;
      if (asked === 1) throw new TokenError('not now');
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return { token: 'late', expiresAt: Date.now() + 3_600_000 };
    });
    const { signal } = new AbortController();
    await assert.rejects(source(signal), /not now/);
    const leaving = new AbortController();
    const left = source(leaving.signal);
    const stayed = source(signal);
    leaving.abort(new Error('gone'));
    await assert.rejects(left, /gone/);
    answer?.();
    assert.equal(await stayed, 'late');
  });
});
