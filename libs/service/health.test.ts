import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '@weir/telemetry';
import { serveHealth } from './health.ts';

test('a process says whether it lives, what it waits for and what it counts', async (t) => {
  const metrics = createMetrics({ service: 'test' });
  metrics.counter('weir_things_total', 'Things.').add(2);
  let kustomize: true | string = 'NATS is away';
  const server = await serveHealth({
    port: 0,
    host: '127.0.0.1',
    ready: () => ({ source: true, kustomize }),
    metrics: metrics.expose,
  });
  t.after(server.close);
  const get = async (path: string, method = 'GET') => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method });
    return { status: response.status, body: await response.text(), headers: response.headers };
  };

  assert.equal((await get('/healthz')).status, 200);
  const waiting = await get('/readyz?verbose');
  assert.equal(waiting.status, 503);
  assert.equal(waiting.body, '[+] source\n[-] kustomize: NATS is away\n');
  kustomize = true;
  assert.equal((await get('/readyz')).status, 200);

  const counted = await get('/metrics');
  assert.match(counted.body, /^weir_things_total 2$/m);
  assert.match(counted.headers.get('content-type') ?? '', /version=0\.0\.4/);
  assert.equal((await get('/other')).status, 404);
  assert.equal((await get('/metrics', 'POST')).status, 405);
});

test('a port that is taken is an error', async (t) => {
  const options = { host: '127.0.0.1', ready: () => ({}), metrics: async () => '' };
  const server = await serveHealth({ ...options, port: 0 });
  t.after(server.close);
  await assert.rejects(serveHealth({ ...options, port: server.port }), { code: 'EADDRINUSE' });
});
