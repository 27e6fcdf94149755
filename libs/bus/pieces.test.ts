import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import { openPieces, parsePiecesRef } from './pieces.ts';
import { startNats, testBus } from './testing/index.ts';

it('gives back a body larger than a message, until its namespace has put newer ones', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  const bus = await testBus(t, nats.url);
  await bus.ready;
  const pieces = openPieces({ bus, stream: 'weir-event-bodies' });
  const [loud, calm] = ['weir.event-body.test.loud', 'weir.event-body.test.calm'];
  const body = randomBytes(3 * 1024 ** 2 + 7);
  const kept = await pieces.put(calm, body);
  const first = await pieces.put(loud, body);
  assert.deepEqual(await pieces.get(kept), body);
  assert.equal(first.size, body.length);
  for (let i = 0; i < 12; i++) await pieces.put(loud, body);
  assert.equal(await pieces.get(first), undefined, 'pushed out by its own namespace');
  assert.deepEqual(await pieces.get(kept), body, 'and nobody else by it');
  assert.equal(await pieces.get({ ...kept, sha256: 'another' }), undefined);
  assert.deepEqual(parsePiecesRef(JSON.parse(JSON.stringify(kept))), kept);
  for (const wrong of [null, 1, {}, { ...kept, sequences: ['1'] }, { ...kept, size: 'x' }]) {
    assert.equal(parsePiecesRef(wrong), undefined);
  }
});
