import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import type { Receiver } from '@weir/api';
import { until } from '@weir/cluster';
import type { KubeClient, KubeObject } from '@weir/kube';
import { createLogger, createMetrics } from '@weir/telemetry';
import type { Expressions } from './expressions.ts';
import { type HooksOptions, serveHooks } from './serve.ts';
import { createVerify } from './verify/types.ts';

const TOKEN = 'made-up';
const MIB = 1024 ** 2;

function receiver(name: string, namespace: string, spec: object = {}): Receiver {
  const resources = [{ kind: 'GitRepository', name }];
  const status = { conditions: [{ type: 'Ready', status: 'True' }] };
  const own = { type: 'generic', secretRef: { name: 'token' }, resources, ...spec };
  return { metadata: { name, namespace, uid: name }, spec: own, status } as unknown as Receiver;
}

/** Serves Receivers at paths. The API server's part is played by what a call needs of it: a Secret, and a patch. */
async function setup(
  t: TestContext,
  at: Record<string, Receiver[]>,
  more: Partial<HooksOptions> = {},
) {
  const woken: string[] = [];
  const client = {
    get: async () => ({
      metadata: { name: 'token' },
      data: { token: Buffer.from(TOKEN).toString('base64') },
    }),
    patch: async (_: unknown, { namespace, name }: KubeObject['metadata']) =>
      void woken.push(`${namespace}/${name}`),
    discovery: { resourceForKind: async (_: string, kind: string) => ({ kind }) },
  } as unknown as KubeClient;
  const server = await serveHooks({
    client,
    port: 0,
    receiversAt: async (path) => at[path] ?? [],
    recheck: () => undefined,
    verify: createVerify(),
    expressionsOf: () => ({ holds: async () => true }) as unknown as Expressions,
    fetchJson: () => assert.fail('nobody is asked for keys'),
    noCrossNamespaceRefs: false,
    metrics: createMetrics({ service: 'test' }),
    log: createLogger({ service: 'test', level: 'silent' }),
    ...more,
  });
  t.after(() => server.close());
  const url = `http://127.0.0.1:${server.port}`;
  const call = async (path: string, body = '{}', headers: Record<string, string> = {}) =>
    (await fetch(`${url}${path}`, { method: 'POST', body, headers })).status;
  return { port: server.port, call, woken };
}

/** Opens a connection that announces a body and sends a byte of it. */
async function slowCall(t: TestContext, port: number, path: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{`);
  return socket;
}

describe('webhooks', () => {
  it('delay nobody: callers that never send their body', async (t) => {
    const { port, call } = await setup(t, {
      '/hook/slow': [receiver('slow', 'hostile')],
      '/hook/good': [receiver('good', 'apps')],
    });
    const sockets = await Promise.all(
      Array.from({ length: 100 }, () => slowCall(t, port, '/hook/slow')),
    );
    const begun = performance.now();
    for (let round = 0; round < 5; round++) assert.equal(await call('/hook/good'), 200);
    assert.ok(performance.now() - begun < 5_000);
    assert.ok(sockets.some((socket) => !socket.destroyed));
  });

  it('refuse further calls of a namespace that has too many open', async (t) => {
    const paths = Array.from({ length: 20 }, (_, index) => `/hook/${index}`);
    const hostile = Object.fromEntries(paths.map((path) => [path, [receiver('r', 'hostile')]]));
    const { port, call } = await setup(t, { ...hostile, '/hook/good': [receiver('good', 'apps')] });
    for (const path of paths) {
      await Promise.all(Array.from({ length: 8 }, () => slowCall(t, port, path)));
    }
    await until(async () => (await call('/hook/0')) === 429, {
      timeoutMs: 10_000,
      message: 'a refusal',
    });
    assert.equal(await call('/hook/good'), 200);
  });

  it('answer alike for known and unknown paths what is too large', async (t) => {
    const { call } = await setup(t, { '/hook/known': [receiver('r', 'apps')] });
    const large = 'x'.repeat(3 * MIB + 1);
    assert.equal(await call('/hook/known', large), 413);
    assert.equal(await call('/hook/unknown', large), 413);
    assert.equal(await call('/hook/unknown'), 404);
    assert.equal(await call('/hook/known?'), 404);
    assert.equal(await call('/hook/known/'), 404);
  });

  it('go to each Receiver of a path that accepts the call, and to no other', async (t) => {
    const wanting = receiver('victim', 'team-a', { type: 'generic-hmac' });
    const other = receiver('other', 'm-a', { type: 'gitlab' });
    const { call, woken } = await setup(t, { '/hook/same': [other, wanting] });
    const signature = createHmac('sha256', TOKEN).update('{}').digest('hex');
    assert.equal(await call('/hook/same', '{}', { 'x-signature': `sha256=${signature}` }), 200);
    assert.deepEqual(woken, ['team-a/victim']);
    assert.equal(await call('/hook/same'), 400);
  });

  it('are limited by path, and a limited path costs no other', async (t) => {
    const { call } = await setup(t, {
      '/hook/a': [receiver('a', 'apps')],
      '/hook/b': [receiver('b', 'apps')],
    });
    const statuses = await Promise.all(Array.from({ length: 140 }, () => call('/hook/a')));
    assert.ok(statuses.filter((status) => status === 429).length >= 10);
    assert.equal(await call('/hook/b'), 200);
  });

  it('are limited by address, also where there is no path, and others are called as before', async (t) => {
    const { call, port } = await setup(t, { '/hook/a': [receiver('a', 'apps')] });
    const guess = async () => {
      const guesses = Array.from({ length: 200 }, (_, i) => call(`/hook/guess-${i}`));
      return (await Promise.all(guesses)).includes(429);
    };
    await until(guess, { timeoutMs: 30_000, message: 'a guess that is refused' });
    // The address has used up its calls, and gets new ones after a moment.
    const own = await Promise.all(Array.from({ length: 100 }, () => call('/hook/a')));
    assert.ok(own.includes(429));
    const other = request({
      ...{ host: '127.0.0.1', localAddress: '127.0.0.2', port },
      ...{ path: '/hook/a', method: 'POST' },
    });
    other.end('{}');
    const [response] = await once(other, 'response');
    response.resume();
    assert.equal(response.statusCode, 200);
  });

  it('that are replayed have the same objects reconciled once more, and nothing else', async (t) => {
    const signed = receiver('signed', 'apps', { type: 'generic-hmac' });
    const { call, woken } = await setup(t, { '/hook/signed': [signed] });
    const body = '{"ref":"main"}';
    const signature = createHmac('sha256', TOKEN).update(body).digest('hex');
    const headers = { 'x-signature': `sha256=${signature}` };
    assert.equal(await call('/hook/signed', body, headers), 200);
    assert.equal(await call('/hook/signed', body, headers), 200);
    assert.equal(await call('/hook/signed', `${body} `, headers), 400);
    assert.deepEqual(woken, ['apps/signed', 'apps/signed']);
  });

  it('survive bodies that are no JSON, deep or huge, with a filter and without', async (t) => {
    const filtered = receiver('filtered', 'apps', { resourceFilter: 'has(req.a)' });
    const { call } = await setup(t, {
      '/hook/plain': [receiver('plain', 'apps')],
      '/hook/filtered': [filtered],
    });
    const deep = '['.repeat(1_400_000) + ']'.repeat(1_400_000);
    const huge = `{"a":[${'1,'.repeat(1_400_000)}1]}`;
    for (const body of ['', 'no json', '\u0000', '"text"', deep]) {
      assert.equal(await call('/hook/plain', body), 200, body.slice(0, 10));
      assert.equal(await call('/hook/filtered', body), 500, body.slice(0, 10));
    }
    assert.equal(await call('/hook/filtered', huge), 200);
    assert.equal(await call('/hook/plain', huge), 200);
  });
});
