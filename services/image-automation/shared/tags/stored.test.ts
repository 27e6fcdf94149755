// The lists of tags in NATS: against a real server.
import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import type { ImageRepository } from '@weir/api';
import { BusUnavailable } from '@weir/bus';
import { startNats, testBus } from '@weir/bus/testing';
import { until } from '@weir/cluster';
import { createLogger } from '@weir/telemetry';
import { packTags, unpackTags } from './packed.ts';
import { createStoredTags } from './stored.ts';

const MIB = 1024 ** 2;

async function setup(t: TestContext) {
  const nats = await startNats();
  t.after(() => nats.close());
  const bus = await testBus(t, nats.url);
  await bus.ready;
  const stack = new AsyncDisposableStack();
  t.after(() => stack.disposeAsync());
  const log = createLogger({ service: 'test', level: 'fatal' });
  const open = (options: { keptBytes?: number; namespaceBytes?: number } = {}) =>
    createStoredTags({ bus, keptBytes: MIB, namespaceBytes: 64 * MIB, stack, log, ...options });
  return { nats, bus, open };
}

function repository(name: string, revision?: string): ImageRepository {
  const lastScanResult = revision === undefined ? undefined : { revision, tagCount: 1 };
  return {
    apiVersion: 'image.toolkit.fluxcd.io/v1',
    kind: 'ImageRepository',
    metadata: { namespace: 'apps', name, uid: `uid of ${name}` },
    spec: { image: 'example.com/app', interval: '1m' },
    status: lastScanResult === undefined ? {} : { lastScanResult },
  };
}

/** Text that hardly compresses. */
function noise(tags: number): string {
  let state = 1;
  const next = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state.toString(36);
  };
  return Array.from({ length: tags }, () => `${next()}${next()}${next()}${next()}`).join(' ');
}

it('a list survives a restart, and other replicas have it', async (t) => {
  const { open } = await setup(t);
  const tags = await packTags('2.0.0 1.0.0');
  const one = open();
  await one.save(repository('app'), tags);
  const stored = repository('app', tags.revision);
  // Another replica, or this one after a restart, knows only what NATS has.
  const other = open();
  equal(await other.has(stored, tags.revision), true);
  equal(await other.has(stored, 'another'), false);
  const loaded = await other.load(stored);
  deepEqual(loaded, tags);
  ok(loaded && (await unpackTags(loaded)) === '2.0.0 1.0.0');
  equal(await other.load(repository('none')), undefined);
  // An object of the same name that was created again has another UID, and nothing stored.
  const again = { ...stored, metadata: { ...stored.metadata, uid: 'another' } };
  equal(await other.load(again), undefined);
});

it('a list that is longer than a message comes back whole, and a shorter one after it too', async (t) => {
  const { open } = await setup(t);
  const long = await packTags(noise(120_000));
  ok(long.packed.length > 1.5 * MIB, `${long.packed.length}`);
  const one = open();
  await one.save(repository('app'), long);
  deepEqual(await open().load(repository('app', long.revision)), long);
  const short = await packTags('1.0.0');
  await one.save(repository('app', long.revision), short);
  deepEqual(await open().load(repository('app', short.revision)), short);
});

it('a replica never takes the list of another for its own', async (t) => {
  const { open } = await setup(t);
  const [first, second] = [await packTags('a'), await packTags('b a')];
  const [one, other] = [open(), open()];
  await one.save(repository('app'), first);
  await other.save(repository('app', first.revision), second);
  // According to the status, another replica has listed them since.
  deepEqual(await one.load(repository('app', second.revision)), second);
  await one.save(repository('app', second.revision), first);
  deepEqual(await open().load(repository('app', first.revision)), first);
});

it('what is removed is gone, and leaves its room', async (t) => {
  const { bus, open } = await setup(t);
  const tags = await packTags(noise(1_000));
  const one = open({ namespaceBytes: tags.packed.length + 10 });
  await one.save(repository('app'), tags);
  await rejects(one.save(repository('other'), tags), {
    reason: 'StorageQuotaExceeded',
    message:
      /the tags of namespace apps take \d+ of the \d+ bytes .*spec\.exclusionList \(--image-namespace-max-bytes/,
  });
  await one.remove(repository('app'));
  equal(await bus.flush(20_000), true);
  equal(await open().load(repository('app', tags.revision)), undefined);
  await one.save(repository('other'), tags);
});

it('what is in NATS counts for the share of its namespace after a restart', async (t) => {
  const { open } = await setup(t);
  const tags = await packTags(noise(1_000));
  const most = { namespaceBytes: tags.packed.length * 1.5 };
  await open(most).save(repository('app'), tags);
  const restarted = open(most);
  equal(await restarted.has(repository('app', tags.revision), tags.revision), true);
  await rejects(restarted.save(repository('other'), tags), { reason: 'StorageQuotaExceeded' });
});

it('while NATS is away lists are kept in memory, and stored when it is back', async (t) => {
  const { nats, bus, open } = await setup(t);
  const one = open();
  await nats.stop();
  await until(() => !bus.connected(), { timeoutMs: 20_000, message: 'NATS to be away' });
  const tags = await packTags('1.0.0');
  await one.save(repository('app'), tags);
  const stored = repository('app', tags.revision);
  equal(await one.has(stored, tags.revision), true);
  deepEqual(await one.load(stored), tags);
  await rejects(open().load(stored), BusUnavailable);
  await nats.start();
  await until(async () => (await open().load(stored))?.revision === tags.revision, {
    ...{ timeoutMs: 30_000, message: 'the list to be stored' },
  });
});

it('what is no list of ours is none', async (t) => {
  const { bus, open } = await setup(t);
  const subject = `weir.tags.test.uid%20of%20app.0`;
  const js = await bus.jetstream();
  const header = {
    id: 'x',
    part: 0,
    parts: 1,
    bytes: 3,
    length: 3,
    digest: '',
    count: 1,
    latest: [],
  };
  for (const content of [
    'no newline',
    '{}\nabc',
    '[]\nabc',
    `${JSON.stringify({ ...header, revision: '1', parts: 2 })}\nabc`,
    `${JSON.stringify({ ...header, revision: '1', bytes: 4 })}\nabc`,
    `${JSON.stringify({ ...header, revision: '1', parts: 1e9 })}\nabc`,
    `${JSON.stringify({ ...header, revision: '1', length: 1e12 })}\nabc`,
    `${JSON.stringify(header)}\nabc`,
  ]) {
    await js.publish(subject, content);
    equal(await open().load(repository('app', '1')), undefined, content);
    equal(await open().has(repository('app', '2'), '2'), false, content);
  }
});
