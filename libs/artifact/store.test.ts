import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { BusUnavailable } from '@weir/bus';
import { startNats, testBus } from '@weir/bus/testing';
import { until } from '@weir/cluster';
import { ArtifactMissing } from './errors.ts';
import { collectGarbage } from './garbage.ts';
import { createStore, type StoreOptions } from './store.ts';
import { type PackedInMemory, packInMemory, putArtifact } from './testing/pack.ts';

const soon = (message: string) => ({ timeoutMs: 15_000, intervalMs: 10, message });

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'weir-store-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** An artifact of about `size` bytes that don't compress. */
function artifact(size = 200): Promise<PackedInMemory> {
  return packInMemory([
    { path: 'app.yaml', mode: 0o644, content: randomBytes(size) },
    { path: 'b/run.sh', mode: 0o755, content: Buffer.from('#!') },
  ]);
}

/** A replica: a bus and a store with a disk of its own. */
async function replica(t: TestContext, url: string, options: Partial<StoreOptions> = {}) {
  const bus = await testBus(t, url);
  const dir = await folder(t);
  const store = createStore({ bus, dir, maxCacheBytes: 1024 ** 3, log: bus.log, ...options });
  return { bus, dir, store };
}

async function setup(t: TestContext) {
  const nats = await startNats();
  t.after(() => nats.close());
  const one = await replica(t, nats.url);
  const two = await replica(t, nats.url);
  await Promise.all([one.bus.ready, two.bus.ready]);
  return { nats, one, two };
}

for (const [what, size] of [
  ['small', 1_000],
  ['large', 3 * 1024 ** 2],
] as const) {
  it(`gives a ${what} artifact to every replica`, async (t) => {
    const { one, two } = await setup(t);
    const packed = await artifact(size);
    assert.equal(await two.store.has(packed.digest), false);
    await assert.rejects(two.store.file(packed.digest), ArtifactMissing);
    await putArtifact(one.store, packed);
    assert.equal(await two.store.has(packed.digest), true);
    const [path, again] = await Promise.all([0, 1].map(() => two.store.file(packed.digest)));
    assert.equal(path, again);
    assert.ok((await readFile(path ?? '')).equals(packed.bytes));
    assert.deepEqual({ ...(await two.store.fileIndex(packed.digest)) }, { ...packed.fileIndex });
    const [listed, ...more] = await two.store.list();
    assert.deepEqual([listed?.digest, listed?.size, more.length], [packed.digest, packed.size, 0]);
    await one.store.remove(packed.digest);
    assert.equal(await one.store.has(packed.digest), false);
    assert.deepEqual(await one.store.list(), []);
    await assert.rejects(one.store.file(packed.digest), ArtifactMissing);
    const manager = await (await one.bus.jetstream()).jetstreamManager(false);
    for await (const { config, state } of manager.streams.list()) {
      assert.equal(state.messages, 0, `${config.name} holds nothing any more`);
    }
  });
}

it('lists and collects what nothing refers to, once it is old enough', async (t) => {
  const { one } = await setup(t);
  const artifacts = await Promise.all(Array.from({ length: 20 }, () => artifact()));
  for (const packed of artifacts) await putArtifact(one.store, packed);
  const digests = artifacts.map(({ digest }) => digest);
  assert.deepEqual((await one.store.list()).map(({ digest }) => digest).sort(), digests.toSorted());
  const referenced = new Set(digests.slice(0, 5));
  assert.equal(await collectGarbage(one.store, { referenced, olderThanMs: 60_000 }), 0);
  assert.equal(await collectGarbage(one.store, { referenced, olderThanMs: 0 }), 15);
  const left = (await one.store.list()).map(({ digest }) => digest);
  assert.deepEqual(left.sort(), [...referenced].sort());
});

it('makes an artifact young again that is put again', async (t) => {
  const { one } = await setup(t);
  const packed = await artifact();
  await putArtifact(one.store, packed);
  const [before] = await one.store.list();
  await until(() => Date.now() > (before?.modified.getTime() ?? 0) + 5, soon('time to pass'));
  await putArtifact(one.store, packed);
  const [later] = await one.store.list();
  assert.ok(later && before && later.modified > before.modified);
});

it('keeps what is put while NATS is away, and sends it later', async (t) => {
  const { nats, one, two } = await setup(t);
  await nats.stop();
  await until(() => !one.bus.connected(), soon('the disconnect'));
  const packed = await artifact();
  await putArtifact(one.store, packed);
  assert.equal(await one.store.file(packed.digest), await one.store.file(packed.digest));
  assert.deepEqual({ ...(await one.store.fileIndex(packed.digest)) }, { ...packed.fileIndex });
  await assert.rejects(one.store.has(packed.digest), BusUnavailable);
  await assert.rejects(two.store.file(packed.digest), BusUnavailable);
  await nats.start();
  await until(() => two.store.has(packed.digest), soon('the artifact'));
  assert.ok(await two.store.file(packed.digest));
});

it('knows that NATS lost its data, and takes the artifact again', async (t) => {
  const { nats, one, two } = await setup(t);
  const packed = await artifact(2 * 1024 ** 2);
  await putArtifact(one.store, packed);
  await nats.restart({ wipe: true });
  await until(() => one.bus.connected() && two.bus.connected(), soon('the reconnect'));
  assert.equal(await one.store.has(packed.digest), false);
  await assert.rejects(two.store.file(packed.digest), ArtifactMissing);
  await putArtifact(one.store, packed);
  assert.ok(await two.store.file(packed.digest));
});

it('makes its streams again when they were deleted under it', async (t) => {
  const { one, two } = await setup(t);
  const packed = await artifact(2 * 1024 ** 2);
  await putArtifact(one.store, packed);
  const manager = await (await one.bus.jetstream()).jetstreamManager(false);
  for (const stream of ['weir-blobs', 'OBJ_weir-objects']) await manager.streams.delete(stream);
  assert.equal(await one.store.has(packed.digest), false);
  assert.deepEqual(await one.store.list(), []);
  await until(() => putArtifact(one.store, packed).then(() => true), soon('an artifact put'));
  assert.ok(await two.store.file(packed.digest));
});

it('repairs a damaged local copy, and does not hand out a damaged one of NATS', async (t) => {
  const { one, two } = await setup(t);
  const packed = await artifact();
  await putArtifact(one.store, packed);
  const path = await two.store.file(packed.digest);
  await writeFile(path, 'damaged');
  assert.ok((await readFile(await two.store.file(packed.digest))).equals(packed.bytes));

  const hex = packed.digest.slice('sha256:'.length);
  const js = await one.bus.jetstream();
  await js.publish(`weir.blob.test.${hex}.content`, 'damaged');
  await writeFile(path, 'damaged');
  await assert.rejects(two.store.file(packed.digest), ArtifactMissing);
  assert.equal(await two.store.has(packed.digest), false);
});

it('reads the file index from the archive when there is none', async (t) => {
  const { one, two } = await setup(t);
  const packed = await artifact();
  await putArtifact(one.store, packed);
  const hex = packed.digest.slice('sha256:'.length);
  await (await one.bus.jetstream()).publish(`weir.blob.test.${hex}.fileIndex`, 'damaged');
  assert.deepEqual({ ...(await two.store.fileIndex(packed.digest)) }, { ...packed.fileIndex });
});

it('shares its folder with other stores of the process', async (t) => {
  const { one, two } = await setup(t);
  const third = createStore({
    bus: two.bus,
    dir: one.dir,
    maxCacheBytes: 1024 ** 3,
    log: two.bus.log,
  });
  const packed = await artifact();
  await Promise.all([putArtifact(one.store, packed), putArtifact(third, packed)]);
  assert.equal(await third.file(packed.digest), await one.store.file(packed.digest));
  assert.equal((await readdir(one.dir)).length, 2);
});

it('keeps the artifacts of clusters apart', async (t) => {
  const { nats, one } = await setup(t);
  const bus = await testBus(t, nats.url, { cluster: 'other' });
  await bus.ready;
  const other = createStore({ bus, dir: await folder(t), maxCacheBytes: 1, log: bus.log });
  const packed = await artifact();
  await putArtifact(one.store, packed);
  assert.deepEqual(await other.list(), []);
  assert.equal(await collectGarbage(other, { referenced: new Set(), olderThanMs: 0 }), 0);
  assert.equal(await one.store.has(packed.digest), true);
});

it('gives each namespace a share of the store, and no more', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  const options = { namespaceMaxBytes: 1_000_000 };
  const one = await replica(t, nats.url, options);
  await one.bus.ready;
  const shared = await artifact(400_000);
  await putArtifact(one.store, shared, 'greedy');
  await putArtifact(one.store, await artifact(400_000), 'greedy');
  const tooMuch = await artifact(400_000);
  const refused = { reason: 'StorageQuotaExceeded', transient: true, message: /greedy.*1000000/ };
  await assert.rejects(putArtifact(one.store, tooMuch, 'greedy'), refused);
  assert.equal(await one.store.has(tooMuch.digest), false);
  // It goes on with what it has, and others with what is theirs.
  await putArtifact(one.store, shared, 'greedy');
  await putArtifact(one.store, shared, 'calm');
  await putArtifact(one.store, tooMuch, 'calm');

  const two = await replica(t, nats.url, options);
  await two.bus.ready;
  await assert.rejects(putArtifact(two.store, await artifact(400_000), 'greedy'), refused);
  const listed = (await two.store.list()).find(({ digest }) => digest === shared.digest);
  assert.deepEqual(listed?.namespaces, ['greedy', 'calm']);

  const three = await replica(t, nats.url, options);
  await three.bus.ready;
  await three.store.remove(shared.digest);
  await putArtifact(three.store, await artifact(400_000), 'greedy');
});

it('refuses an artifact when the store is full, and keeps the others', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  const bus = await testBus(t, nats.url, { storeMaxBytes: 5 * 1024 ** 2 });
  await bus.ready;
  const store = createStore({ bus, dir: await folder(t), maxCacheBytes: 1e9, log: bus.log });
  const stored: PackedInMemory[] = [];
  const fill = async () => {
    for (;;) {
      const packed = await artifact(300_000);
      await putArtifact(store, packed);
      stored.push(packed);
    }
  };
  await assert.rejects(fill(), { reason: 'StorageOperationFailed', message: /maximum bytes/ });
  assert.ok(stored.length > 1);
  for (const { digest } of stored) assert.equal(await store.has(digest), true);
  const manager = await (await bus.jetstream()).jetstreamManager(false);
  await assert.rejects(
    putArtifact(store, await artifact(6 * 1024 ** 2)),
    { reason: 'StorageOperationFailed' },
    'a large one',
  );
  const { state } = await manager.streams.info('OBJ_weir-objects');
  assert.equal(state.bytes, 0, 'and nothing of what was begun stays');
});

it('takes an index that is none for a lost artifact', async (t) => {
  const { one, two } = await setup(t);
  const packed = await artifact();
  await putArtifact(one.store, packed);
  const hex = packed.digest.slice('sha256:'.length);
  const js = await one.bus.jetstream();
  for (const garbage of [
    '{',
    'null',
    '{"size":1}',
    '{"size":1,"stored":1,"objects":["x"],"namespaces":[]}',
  ]) {
    await js.publish(`weir.blob.test.${hex}.index`, garbage);
    assert.equal(await two.store.has(packed.digest), false);
    assert.deepEqual(await two.store.list(), []);
  }
  assert.match(await two.bus.metrics.expose(), /malformed_total\{stream="weir-blobs"\} 8/);
  await putArtifact(one.store, packed);
  assert.ok(await two.store.file(packed.digest));
});
