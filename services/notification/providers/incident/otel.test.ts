import assert from 'node:assert/strict';
import { it } from 'node:test';
import { startCollector, startOtelCollector, until } from '@weir/cluster';
import { alertOf, eventOf, targetOf } from '../../testing/fixtures.ts';
import { localIo } from '../../testing/io.ts';
import { otel } from './otel.ts';

const TIMESTAMP = '2026-01-02T03:04:05Z';

it('sends spans that the real collector understands, one trace for an alert and a revision', async (t) => {
  const beyond = await startCollector();
  t.after(() => beyond.close());
  const collector = await startOtelCollector(beyond.url);
  t.after(() => collector.close());
  const target = targetOf({ address: `${collector.url}/v1/traces` });
  const ioFor = localIo();
  const metadata = { revision: 'main@sha1:a' };
  const events = [
    eventOf({}, { timestamp: TIMESTAMP, metadata }),
    eventOf({}, { timestamp: TIMESTAMP, metadata, severity: 'error', message: 'no such file: é' }),
    eventOf({}, { timestamp: TIMESTAMP, metadata: { revision: 'main@sha1:b' } }),
  ];
  for (const [order, event] of events.entries()) {
    const signal = AbortSignal.timeout(10_000);
    const attempted = { alert: alertOf(), event, order, id: `e${order}`, signal };
    await otel.send(event, target, ioFor(target, attempted));
  }
  await until(() => beyond.spans().length === 3, {
    timeoutMs: 10_000,
    message: 'three spans behind the collector',
  });
  // The collector keeps no order.
  const spans = beyond.spans();
  const failed = spans.find(({ status }) => status.code === 'error');
  const later = spans.find(({ attributes }) => attributes.revision === 'main@sha1:b');
  const done = spans.find((span) => span !== failed && span !== later);
  assert.ok(done !== undefined && failed !== undefined && later !== undefined);
  assert.match(done.traceId, /^[0-9a-f]{32}$/);
  assert.match(done.spanId, /^[0-9a-f]{16}$/);
  assert.equal(failed.traceId, done.traceId);
  assert.notEqual(failed.spanId, done.spanId);
  assert.notEqual(later.traceId, done.traceId);
  assert.equal(done.name, 'Kustomization: flux-system/apps');
  assert.equal(done.startMs, Date.parse(TIMESTAMP));
  assert.ok(done.endMs > done.startMs);
  assert.deepEqual(done.status, { code: 'ok' });
  assert.deepEqual(failed.status, { code: 'error', message: 'no such file: é' });
  const { attributes, resource } = done;
  assert.equal(attributes['object.kind'], 'Kustomization');
  assert.equal(attributes.revision, 'main@sha1:a');
  assert.equal(resource['service.namespace'], 'flux-system');
});
