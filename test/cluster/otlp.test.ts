import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { startCollector } from './otlp.ts';

const SPAN = {
  traceId: '5b8efff798038103d269b633813fc60c',
  spanId: 'eee19b7ec3c1b174',
  parentSpanId: 'eee19b7ec3c1b173',
  name: 'apply',
  startTimeUnixNano: '1544712660000000000',
  endTimeUnixNano: '1544712660250000000',
  attributes: [
    { key: 'name', value: { stringValue: 'app' } },
    { key: 'count', value: { intValue: '3' } },
    { key: 'done', value: { boolValue: false } },
    { key: 'list', value: { arrayValue: { values: [{ doubleValue: 1.5 }] } } },
  ],
  status: { code: 2, message: 'refused' },
  links: [{ traceId: '5b8efff798038103d269b633813fc60d', spanId: 'eee19b7ec3c1b175' }],
  events: [{ name: 'retry', attributes: [] }],
};
const REQUEST = {
  resourceSpans: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'source' } }] },
      scopeSpans: [{ spans: [SPAN] }],
    },
  ],
};

test('keeps the spans of OTLP/HTTP JSON, compressed or not', async (t) => {
  const collector = await startCollector();
  t.after(() => collector.close());
  const send = (body: string | Buffer<ArrayBuffer>, headers: Record<string, string> = {}) =>
    fetch(`${collector.url}/v1/traces`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers },
    });
  const json = JSON.stringify(REQUEST);
  assert.equal((await send(json)).status, 200);
  assert.equal((await send(gzipSync(json), { 'content-encoding': 'gzip' })).status, 200);
  const [first, second] = collector.spans();
  assert.deepEqual(first, {
    traceId: SPAN.traceId,
    spanId: SPAN.spanId,
    parentSpanId: SPAN.parentSpanId,
    name: 'apply',
    startMs: 1544712660000,
    endMs: 1544712660250,
    attributes: { name: 'app', count: 3, done: false, list: [1.5] },
    resource: { 'service.name': 'source' },
    status: { code: 'error', message: 'refused' },
    links: SPAN.links,
    events: [{ name: 'retry', attributes: {} }],
  });
  assert.deepEqual(second, first);
  assert.equal((await send('{')).status, 400);
  assert.equal((await send('x', { 'content-type': 'application/x-protobuf' })).status, 415);
  assert.equal(collector.spans().length, 2);
});
