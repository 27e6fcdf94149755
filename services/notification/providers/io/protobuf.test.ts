import assert from 'node:assert/strict';
import { it } from 'node:test';
import { decodeMessage, numberIn, textIn } from '../../testing/recorded/protobuf.ts';
import { encodeMessage } from './protobuf.ts';

it('writes fields as the specification of the encoding has them', () => {
  // The examples of https://protobuf.dev/programming-guides/encoding/.
  assert.equal(Buffer.from(encodeMessage([1, 'varint', 150])).toString('hex'), '089601');
  const text = Buffer.from(encodeMessage([2, 'text', 'testing'])).toString('hex');
  assert.equal(text, '120774657374696e67');
  const inner = encodeMessage([1, 'varint', 150]);
  assert.equal(Buffer.from(encodeMessage([3, 'message', inner])).toString('hex'), '1a03089601');
});

it('reads back what it wrote, whatever its size', () => {
  const long = 'ü'.repeat(100_000);
  const fields = decodeMessage(
    Buffer.from(
      encodeMessage([15, 'text', long], [7, 'fixed64', 2n ** 63n], [300, 'varint', 2 ** 40]),
    ),
  );
  assert.equal(Buffer.from(textIn(fields, 15)).length, 200_000);
  assert.equal(numberIn(fields, 7), 2n ** 63n);
  assert.equal(numberIn(fields, 300), 2n ** 40n);
});
