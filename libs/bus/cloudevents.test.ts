import assert from 'node:assert/strict';
import { it } from 'node:test';
import { decodeCloudEvent, encodeCloudEvent } from './cloudevents.ts';

const event = {
  id: '1',
  source: '/clusters/c/source',
  type: 'weir.artifact.published',
  subject: 's',
  time: new Date(0),
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  data: { a: [1] },
};

it('writes the JSON event format and reads it back', () => {
  const encoded = encodeCloudEvent(event);
  assert.deepEqual(JSON.parse(Buffer.from(encoded).toString()), {
    specversion: '1.0',
    id: '1',
    source: '/clusters/c/source',
    type: 'weir.artifact.published',
    subject: 's',
    time: '1970-01-01T00:00:00.000Z',
    datacontenttype: 'application/json',
    traceparent: event.traceparent,
    data: { a: [1] },
  });
  assert.deepEqual(decodeCloudEvent(encoded)?.data, { a: [1] });
});

it('takes nothing else for an event', () => {
  const good = { specversion: '1.0', id: '1', source: 's', type: 't', data: 1 };
  const bad = [
    'not json',
    'null',
    '[]',
    '{}',
    JSON.stringify({ ...good, specversion: '0.3' }),
    JSON.stringify({ ...good, id: '' }),
    JSON.stringify({ ...good, type: undefined }),
    JSON.stringify({ ...good, traceparent: 7 }),
  ];
  for (const text of bad) assert.equal(decodeCloudEvent(Buffer.from(text)), undefined, text);
  assert.ok(decodeCloudEvent(Buffer.from(JSON.stringify(good))));
});
