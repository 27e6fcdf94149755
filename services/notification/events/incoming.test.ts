import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FluxEvent } from '@weir/events';
import { eventOf } from '../testing/fixtures.ts';
import { readEvent } from './incoming.ts';
import { createRepeats } from './repeats.ts';

const readBoth = (value: unknown) => readEvent(Buffer.from(JSON.stringify(value)));
const read = (value: unknown) => readBoth(value)?.event;

describe('a body of the events endpoint', () => {
  it('is an event with what it lacks put in', () => {
    const event = read({
      involvedObject: { kind: 'Canary', name: 'a', namespace: 'b' },
      message: 'm',
    });
    assert.equal(event?.severity, 'info');
    assert.equal(event?.involvedObject.apiVersion, '');
    assert.match(event?.timestamp ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.equal(read({ severity: 'error' })?.severity, 'error');
  });

  it('that is no event is refused', () => {
    const bodies = ['', '{', '[]', 'null', '"x"', '1', '{"message":1}', '{"metadata":{"a":1}}'];
    for (const body of [...bodies, '{"involvedObject":[]}', '{"timestamp":"soon"}']) {
      assert.equal(readEvent(Buffer.from(body)), undefined, body);
    }
    assert.equal(readEvent(Buffer.from('['.repeat(3_000_000))), undefined);
  });

  it('takes no more room in the stream than an event may', () => {
    const keys = Array.from({ length: 10_000 }, (_, i) => [`example.org/${i}`, 'x'.repeat(100)]);
    const large = [
      { message: 'a'.repeat(3_000_000) },
      { message: '\u0000'.repeat(500_000) },
      { message: '日'.repeat(500_000), metadata: Object.fromEntries(keys) },
      { reason: 'x'.repeat(1_000_000), involvedObject: { name: 'x'.repeat(1_000_000) } },
    ];
    for (const each of large) {
      const event = read(each);
      assert.ok(event !== undefined && Buffer.byteLength(JSON.stringify(event)) < 240 * 1_024);
    }
    assert.ok(Object.keys(read(large[2])?.metadata ?? {}).length > 100);
  });

  it('is kept whole beside a short one where it takes more, without secrets', () => {
    const keys = Array.from({ length: 10_000 }, (_, i) => [`example.org/${i}`, 'x'.repeat(100)]);
    const message = `${'a line\n'.repeat(250_000)}https://me:pa55@git.example/x.git`;
    const both = readBoth({ message, metadata: Object.fromEntries(keys) });
    assert.equal(both?.event.message.length, 39_000);
    assert.equal(both?.whole?.message.length, message.length - 'me:pa55'.length + '***'.length);
    assert.ok(!both?.whole?.message.includes('pa55'));
    assert.deepEqual(both?.whole?.metadata, Object.fromEntries(keys));
    assert.equal(readBoth({ message: 'x'.repeat(39_000) })?.whole, undefined);
    assert.ok(readBoth({ message: 'x'.repeat(39_001) })?.whole);
  });
});

describe('an event that comes again', () => {
  it('is a repetition within the window of the first, which is not renewed', () => {
    let nowMs = 1_000;
    const repeats = createRepeats(100, () => nowMs);
    const event: FluxEvent = eventOf();
    const first = repeats.idOf(event);
    assert.ok(first);
    nowMs += 60;
    assert.equal(repeats.idOf(event), undefined);
    nowMs += 60;
    const second = repeats.idOf(event);
    assert.ok(second && second !== first);
    assert.ok(repeats.idOf({ ...event, message: 'another' }));
    repeats.forget(event);
    assert.ok(repeats.idOf(event));
  });

  it('has one id at every replica', () => {
    const at = () => 12_345;
    const [one, other] = [createRepeats(100, at), createRepeats(100, at)];
    assert.equal(one.idOf(eventOf()), other.idOf(eventOf()));
  });
});
