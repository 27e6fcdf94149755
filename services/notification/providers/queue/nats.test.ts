import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it, type TestContext } from 'node:test';
import { startNats, subscribeTo } from '@weir/bus/testing';
import { until } from '@weir/cluster';
import { DeliveryError } from '../../delivery/errors.ts';
import { eventOf, targetOf } from '../../testing/fixtures.ts';
import { ioOf } from '../../testing/io.ts';
import { createLookup } from '../io/lookup.ts';
import { createOpen } from '../io/sockets.ts';
import type { Target } from '../target.ts';
import { nats } from './nats.ts';
import { readSeed } from './nats-keys.ts';

const network = { resolverFor: createLookup({ concurrency: 2 }), allowLocal: true };
const openFor = createOpen(network);

function send(target: Target, timeoutMs = 10_000): Promise<void> {
  const signal = AbortSignal.timeout(timeoutMs);
  const io = ioOf({ open: openFor(target, signal), signal });
  return nats.send(eventOf(), target, io);
}

async function server(t: TestContext, config = '') {
  const started = await startNats({ config });
  t.after(() => started.close());
  return started.url;
}

const secretOf = (data: Record<string, string>) =>
  new Map(Object.entries(data).map(([key, value]) => [key, Buffer.from(value)]));

const failure = async (sending: Promise<void>) => {
  const error = await sending.then(
    () => assert.fail('it was sent'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof DeliveryError);
  return error;
};

it('publishes the event on the subject', async (t) => {
  const url = await server(t);
  const subscription = await subscribeTo(url, 'flux.>');
  t.after(() => subscription.close());
  await send(targetOf({ address: url, channel: 'flux.events' }));
  const [message] = await until(() => subscription.messages.length > 0 && subscription.messages, {
    timeoutMs: 10_000,
    message: 'the message',
  });
  assert.equal(message?.subject, 'flux.events');
  assert.equal(JSON.parse(message?.text ?? '').involvedObject.name, 'apps');
});

it('logs in with user and password, of the Secret or of the address', async (t) => {
  const url = await server(t, 'authorization { user: u, password: word }');
  const channel = 'flux.events';
  await send(targetOf({ address: url, channel, username: 'u', password: 'word' }));
  await send(targetOf({ address: url.replace('nats://', 'nats://u:word@'), channel }));
  const wrong = targetOf({ address: url, channel, username: 'u', password: 's3cret' });
  const error = await failure(send(wrong));
  assert.match(error.message, /^NATS refused the message: Authorization Violation$/);
});

it('logs in with a seed', async (t) => {
  const seed = seedOf('a');
  const url = await server(
    t,
    `authorization { users = [ { nkey: ${readSeed(seed).publicKey} } ] }`,
  );
  const channel = 'flux.events';
  await send(targetOf({ address: url, channel, secret: secretOf({ nkey: seed }) }));
  const other = targetOf({ address: url, channel, secret: secretOf({ nkey: seedOf('b') }) });
  assert.match((await failure(send(other))).message, /Authorization Violation$/);
});

it('refuses seeds, subjects and addresses that are none, without a word of them', async (t) => {
  const url = await server(t);
  for (const channel of ['', 'a b', 'flux.*', 'flux.>', 'a..b', 'a\r\nPUB b 0']) {
    assert.match((await failure(send(targetOf({ address: url, channel })))).message, /no subject/);
  }
  const nkey = targetOf({ address: url, channel: 'a', secret: secretOf({ nkey: 's3cret' }) });
  assert.match((await failure(send(nkey))).message, /^the seed in the secret is no NKey seed/);
  const address = 'http://127.0.0.1/s3cret';
  assert.doesNotMatch((await failure(send(targetOf({ address, channel: 'a' })))).message, /s3cret/);
});

it('gives up on a server that says nothing', async (t) => {
  const { createServer } = await import('node:net');
  const silent = createServer().listen(0, '127.0.0.1');
  t.after(() => silent.close());
  await new Promise((resolve) => silent.once('listening', resolve));
  const { port } = silent.address() as { port: number };
  const target = targetOf({ address: `nats://127.0.0.1:${port}`, channel: 'a' });
  const begun = performance.now();
  await assert.rejects(send(target, 200));
  assert.ok(performance.now() - begun < 5_000);
});

/** A seed as `nk -gen user` makes it, of a key that the name decides. */
function seedOf(name: string): string {
  const raw = createHash('sha256').update(name).digest();
  const first = (18 << 3) | ((20 << 3) >> 5);
  const second = ((20 << 3) & 31) << 3;
  const body = Buffer.concat([Buffer.of(first, second), raw]);
  let crc = 0;
  for (const byte of body) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++)
      crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  const bytes = Buffer.concat([body, Buffer.of(crc & 0xff, crc >> 8)]);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  let text = '';
  let bits = '';
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0');
  for (let at = 0; at < bits.length; at += 5) {
    text += alphabet[Number.parseInt(bits.slice(at, at + 5).padEnd(5, '0'), 2)];
  }
  return text;
}
