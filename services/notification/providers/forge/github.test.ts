import assert from 'node:assert/strict';
import { generateKeyPairSync, verify } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { DeliveryError } from '../../delivery/errors.ts';
import { alertOf, eventOf, targetOf } from '../../testing/fixtures.ts';
import { localIo } from '../../testing/io.ts';
import { typeOf } from '../types.ts';

const COMMIT = 'c0ffee'.repeat(7).slice(0, 40);
const HOUR_MS = 3_600_000;
const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const others = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = ({ privateKey }: typeof keys) =>
  privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();

/** GitHub as far as it makes tokens of apps and takes statuses with them. Checks who asks as GitHub documents it. */
async function gitHub(t: TestContext, prefix = 'ghs') {
  const state = { lifeMs: HOUR_MS, isDown: false, made: 0, asked: 0 };
  const valid = new Set<string>();
  const statuses: string[] = [];
  const server = createServer((request, response) => {
    request.resume();
    const { method, url = '' } = request;
    const token = (request.headers.authorization ?? '').replace('Bearer ', '');
    const installation = /^\/api\/v3\/app\/installations\/(\d+)\/access_tokens$/.exec(url)?.[1];
    if (installation !== undefined) {
      if (state.isDown) return answer(response, 503, { message: 'no' });
      if (!isSigned(token)) return answer(response, 401, { message: 'no' });
      const made = `${prefix}_${++state.made}_${installation}`;
      valid.add(made);
      const expires = new Date(Date.now() + state.lifeMs).toISOString();
      return answer(response, 201, { token: made, expires_at: expires });
    }
    state.asked++;
    if (!valid.has(token)) return answer(response, 401, { message: 'Bad credentials' });
    if (method === 'GET') return answer(response, 200, []);
    statuses.push(token);
    return answer(response, 201, {});
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { origin, state, statuses, revoke: () => valid.clear() };
}

function answer(response: ServerResponse<IncomingMessage>, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** A JWT of RFC 7519, signed with the app's key. */
function isSigned(jwt: string): boolean {
  const [head = '', claims = '', signature = ''] = jwt.split('.');
  const signed = Buffer.from(`${head}.${claims}`);
  return verify('sha256', signed, keys.publicKey, Buffer.from(signature, 'base64url'));
}

interface Sent {
  namespace?: string;
  secret?: Record<string, string>;
}

/** Sends messages as deliveries do, which share their connections and tokens. */
function provider(origin: string) {
  const ioFor = localIo();
  let order = 0;
  return async ({ namespace = 'flux-system', secret = {} }: Sent = {}) => {
    const target = targetOf({
      namespace,
      address: `${origin}/o/r`,
      secret: new Map(
        Object.entries({
          githubAppID: '42',
          githubAppInstallationID: '7',
          githubAppPrivateKey: pem(keys),
          githubAppBaseURL: `${origin}/api/v3`,
          ...secret,
        }).map(([key, text]) => [key, Buffer.from(text)]),
      ),
    });
    const metadata = { revision: `main@sha1:${COMMIT}`, commit_status: 'update' };
    const event = eventOf({}, { metadata });
    const attempted = { alert: alertOf(), event, order: ++order, id: `e${order}` };
    const io = ioFor(target, { ...attempted, signal: AbortSignal.timeout(30_000) });
    await typeOf({ spec: { type: 'github' } })?.send(event, target, io);
  };
}

describe('a GitHub App', () => {
  it('sends all its messages with one token while that holds', async (t) => {
    const { origin, state, statuses } = await gitHub(t);
    const send = provider(origin);
    await Promise.all([send(), send(), send()]);
    await send();
    assert.deepEqual(statuses, Array(4).fill('ghs_1_7'));
    assert.equal(state.made, 1);
  });

  it('gets a new token for each message when each is over as it comes', async (t) => {
    const { origin, state, statuses } = await gitHub(t);
    const send = provider(origin);
    state.lifeMs = 0;
    await send();
    await send();
    assert.deepEqual(statuses, ['ghs_1_7', 'ghs_2_7']);
  });

  it('sends with a new token what GitHub refused with the kept one', async (t) => {
    const { origin, state, statuses, revoke } = await gitHub(t);
    const send = provider(origin);
    await send();
    revoke();
    await Promise.all([send(), send()]);
    await send();
    assert.deepEqual(statuses, ['ghs_1_7', 'ghs_2_7', 'ghs_2_7', 'ghs_2_7']);
    assert.equal(state.made, 2);
  });

  it('gives up when GitHub refuses the new token too', async (t) => {
    const { origin, state, statuses } = await gitHub(t);
    // This GitHub issues tokens and accepts none.
    const refusing = await gitHub(t, 'other');
    const send = provider(origin);
    const secret = { githubAppBaseURL: `${refusing.origin}/api/v3` };
    await assert.rejects(send({ secret }), (error) => {
      assert.ok(error instanceof DeliveryError);
      assert.equal(error.message, 'request failed with status code 401');
      return error.permanent;
    });
    assert.equal(refusing.state.made, 2);
    assert.equal(state.asked, 2);
    assert.deepEqual(statuses, []);
  });

  it('shares its token with nobody who has another namespace, key, app, installation or server', async (t) => {
    const { origin, state, statuses } = await gitHub(t);
    const elsewhere = await gitHub(t, 'other');
    const send = provider(origin);
    await send();
    await send({ namespace: 'tenant' });
    await send({ secret: { githubAppInstallationID: '8' } });
    await send({ secret: { githubAppID: '43' } });
    assert.deepEqual(statuses, ['ghs_1_7', 'ghs_2_7', 'ghs_3_8', 'ghs_4_7']);
    await assert.rejects(send({ secret: { githubAppPrivateKey: pem(others) } }), /401/);
    await assert.rejects(send({ secret: { githubAppBaseURL: `${elsewhere.origin}/api/v3` } }));
    assert.equal(elsewhere.state.made, 2);
    assert.equal(state.made, 4);
    assert.equal(statuses.length, 4);
  });

  it('is asked again later while GitHub has no answer, and not when its key is wrong', async (t) => {
    const { origin, state, statuses } = await gitHub(t);
    const send = provider(origin);
    const isPermanent = (expected: boolean) => (error: unknown) => {
      assert.ok(error instanceof DeliveryError);
      assert.match(error.message, /^POST .*\/app\/installations\/7\/access_tokens: (401|503)/);
      return error.permanent === expected;
    };
    state.isDown = true;
    await assert.rejects(send(), isPermanent(false));
    state.isDown = false;
    await assert.rejects(send({ secret: { githubAppPrivateKey: pem(others) } }), isPermanent(true));
    await send();
    assert.deepEqual(statuses, ['ghs_1_7']);
  });
});
