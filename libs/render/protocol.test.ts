import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeRequest, type Frame, frameReader } from './protocol.ts';

test('frames come out as they went in, however the pipe cuts them', () => {
  const frames: Extract<Frame, { type: 'request' }>[] = [
    { type: 'request', id: 1, op: 'build', body: { path: 'ü' } },
    { type: 'request', id: 2, op: 'x"y', body: 'x'.repeat(1000) },
    { type: 'request', id: 3, op: 'version', body: null },
  ];
  const bytes = Buffer.concat(
    frames.map(({ id, op, body }) => encodeRequest(id, op, JSON.stringify(body))),
  );
  for (const size of [1, 2, 3, 5, 7, 100, 1003, bytes.length]) {
    const got: Frame[] = [];
    const read = frameReader((frame) => got.push(frame));
    for (let at = 0; at < bytes.length; at += size) read(bytes.subarray(at, at + size));
    assert.deepEqual(got, frames, `in pieces of ${size}`);
  }
});

test('what is no frame is an error', () => {
  const read = (bytes: Buffer): void => frameReader(() => undefined)(bytes);
  assert.throws(() => read(Buffer.from('\xff\xff\xff\xff', 'latin1')), /over the limit/);
  assert.throws(() => read(Buffer.from('\0\0\0\x03abc', 'latin1')), SyntaxError);
  assert.throws(() => read(Buffer.from('\0\0\0\x04null', 'latin1')), /not a JSON object/);
  assert.throws(() => read(Buffer.from('\0\0\0\x02{}', 'latin1')), /no known type/);
});
