import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createLogger, createMetrics } from '@weir/telemetry';
import { createOutbox, type OutboxSettings, type Posting } from './outbox.ts';

function setup(settings: Partial<OutboxSettings> = {}) {
  const lines: string[] = [];
  const sent: string[] = [];
  const metrics = createMetrics({ service: 'test' });
  const destination = { write: (line: string) => void lines.push(line) };
  const outbox = createOutbox({
    maxMessages: 100,
    maxBytes: 10_000,
    concurrency: 8,
    retry: { minMs: 1, maxMs: 5 },
    isPermanent: (error) => error instanceof RangeError,
    log: createLogger({ service: 'test', level: 'info', destination }),
    metrics,
    ...settings,
  });
  const posting = (subject: string, name: string, send?: () => Promise<void>): Posting => ({
    stream: 'weir-events',
    namespace: 'ns',
    subject,
    bytes: 10,
    replaces: false,
    send: async () => {
      await send?.();
      sent.push(name);
    },
  });
  return { outbox, sent, lines, metrics, posting };
}

it('keeps the order of a subject, through failures, and sends subjects side by side', async () => {
  const { outbox, sent, posting } = setup();
  const fails = new Map([['a1', 3]]);
  for (const name of ['a1', 'a2', 'a3', 'b1']) {
    const subject = name.charAt(0);
    outbox.add(
      posting(subject, name, async () => {
        const left = fails.get(name) ?? 0;
        fails.set(name, left - 1);
        if (left > 0) throw new Error('not now');
      }),
    );
  }
  assert.deepEqual(sent, [], 'nothing is sent before the bus is there');
  outbox.resume();
  assert.equal(await outbox.flush(2_000), true);
  assert.deepEqual(sent, ['b1', 'a1', 'a2', 'a3']);
});

it('drops the oldest when it is full, counts them and logs once a burst', async () => {
  const { outbox, sent, lines, metrics, posting } = setup({ maxMessages: 3 });
  for (const name of ['1', '2', '3', '4', '5']) outbox.add(posting(`s${name}`, name));
  assert.deepEqual(outbox.size(), { messages: 3, bytes: 30 });
  outbox.resume();
  assert.equal(await outbox.flush(1_000), true);
  assert.deepEqual(sent, ['3', '4', '5']);
  assert.match(
    await metrics.expose(),
    /weir_outbox_dropped_total\{stream="weir-events",cause="overflow"\} 2/,
  );
  assert.equal(lines.filter((line) => line.includes('outbox is full')).length, 1);
  assert.equal(lines.filter((line) => line.includes('"dropped":2')).length, 1);
});

it('is bounded in bytes', () => {
  const { outbox, posting } = setup({ maxBytes: 25 });
  for (const name of ['1', '2', '3']) outbox.add(posting('s', name));
  assert.deepEqual(outbox.size(), { messages: 2, bytes: 20 });
  outbox.add({ ...posting('s', 'huge'), bytes: 1_000 });
  assert.deepEqual(outbox.size(), { messages: 0, bytes: 0 });
});

it('does not drop what is under way', async () => {
  const { outbox, sent, posting } = setup({ maxMessages: 1 });
  const gate = Promise.withResolvers<void>();
  outbox.resume();
  outbox.add(posting('a', 'first', () => gate.promise));
  outbox.add(posting('a', 'second'));
  gate.resolve();
  assert.equal(await outbox.flush(1_000), true);
  assert.deepEqual(sent, ['first']);
});

it('replaces what waits when only the newest matters', async () => {
  const { outbox, sent, posting } = setup();
  for (const name of ['old', 'new']) outbox.add({ ...posting('s', name), replaces: true });
  outbox.resume();
  assert.equal(await outbox.flush(1_000), true);
  assert.deepEqual(sent, ['new']);
});

it('keeps what was under way when the bus goes away', async () => {
  const { outbox, sent, posting } = setup();
  let attempts = 0;
  outbox.resume();
  outbox.add(
    posting('s', 'm', async () => {
      attempts += 1;
      if (attempts === 1) await new Promise(() => undefined);
    }),
  );
  outbox.pause();
  assert.equal(await outbox.flush(20), false);
  assert.deepEqual(sent, []);
  outbox.resume();
  assert.equal(await outbox.flush(1_000), true);
  assert.deepEqual([sent, attempts], [['m'], 2]);
});

it('gives up what can never be sent, and only that', async () => {
  const { outbox, sent, lines, posting } = setup();
  outbox.add(
    posting('s', 'bad', async () => {
      throw new RangeError('too large');
    }),
  );
  outbox.add(posting('s', 'good'));
  outbox.resume();
  assert.equal(await outbox.flush(1_000), true);
  assert.deepEqual(sent, ['good']);
  assert.equal(lines.filter((line) => line.includes('cannot be published')).length, 1);
});

it('drops from whoever has the most, and lets nobody push out others', async () => {
  const { outbox, sent, posting } = setup({ maxMessages: 5 });
  const of = (namespace: string, name: string) => ({ ...posting(name, name), namespace });
  outbox.add(of('calm', 'calm'));
  outbox.add({ ...of('', 'artifact'), stream: 'weir-artifacts' as const });
  for (let i = 0; i < 50; i++) outbox.add(of('loud', `loud${i}`));
  outbox.resume();
  assert.equal(await outbox.flush(1_000), true);
  assert.deepEqual(sent, ['calm', 'artifact', 'loud47', 'loud48', 'loud49']);
});

it('sends the rest while a stream is not there, and what is for it when it is', async () => {
  const { outbox, sent, posting } = setup();
  outbox.hold('weir-events', { soon: false });
  outbox.resume();
  for (const name of ['e1', 'e2']) outbox.add(posting('events', name));
  outbox.add({ ...posting('artifact', 'artifact'), stream: 'weir-artifacts' });
  assert.equal(await outbox.flush(5_000), false, 'flushing what is held would take for ever');
  assert.deepEqual(sent, ['artifact']);
  outbox.release('weir-events');
  assert.equal(await outbox.flush(1_000), true);
  assert.deepEqual(sent, ['artifact', 'e1', 'e2']);
});
