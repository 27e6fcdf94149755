import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import type { Bus } from '@weir/bus';
import { startNats, testBus } from '@weir/bus/testing';
import { until } from '@weir/cluster';
import type { ArtifactMessage } from './announcement.ts';
import { publishArtifact, purgeArtifact, readArtifacts } from './announcements.ts';

let resourceVersion = 0;

function artifact(name: string, revision: string, kind = 'GitRepository'): ArtifactMessage {
  resourceVersion += 1;
  return {
    kind,
    namespace: 'ns',
    name,
    uid: `uid-${name}`,
    resourceVersion: String(resourceVersion),
    artifact: { digest: `sha256:${revision.toLowerCase().padEnd(64, '0')}`, revision },
  };
}

/** Reads in the background; `seen` has what was received, as `name@revision`. */
function reader(t: TestContext, bus: Bus, kinds?: string[]) {
  const seen: string[] = [];
  const traces: (string | undefined)[] = [];
  const stop = new AbortController();
  const { signal } = stop;
  const done = (async () => {
    for await (const reading of readArtifacts(bus, { signal, ...(kinds ? { kinds } : {}) })) {
      seen.push(`${reading.message.name}@${reading.message.artifact.revision}`);
      traces.push(reading.traceparent);
    }
  })();
  const end = async () => {
    stop.abort();
    await done;
  };
  t.after(end);
  return { seen, traces, end };
}

const soon = (message: string) => ({ timeoutMs: 20_000, intervalMs: 10, message });

it('gives a late reader the newest of each source, then what comes', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  const bus = await testBus(t, nats.url);
  for (const revision of ['1', '2', '3']) publishArtifact(bus, artifact('a', revision));
  publishArtifact(
    bus,
    artifact('b', '1'),
    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  );
  publishArtifact(bus, artifact('chart', '1', 'HelmChart'));
  await bus.ready;
  await bus.flush(5_000);
  const { seen, traces, end } = reader(t, bus, ['GitRepository']);
  await until(() => seen.length === 2, soon('what is there'));
  assert.deepEqual([...seen].sort(), ['a@3', 'b@1']);
  assert.equal(traces[seen.indexOf('b@1')]?.slice(0, 3), '00-');
  for (const revision of ['B', 'A']) {
    publishArtifact(bus, artifact('b', revision));
    await bus.flush(5_000);
  }
  await until(() => seen.length === 4, soon('what came'));
  assert.deepEqual(seen.slice(2), ['b@B', 'b@A']);
  await end();
});

it('tells A, B, A apart: three messages', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  const bus = await testBus(t, nats.url);
  await bus.ready;
  const { seen } = reader(t, bus);
  for (const [i, revision] of ['A', 'B', 'A'].entries()) {
    publishArtifact(bus, artifact('a', revision));
    await until(() => seen.length === i + 1, soon(`message ${i + 1}`));
  }
  assert.deepEqual(seen, ['a@A', 'a@B', 'a@A']);
});

it('goes on after a restart without repeating itself', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  const bus = await testBus(t, nats.url);
  await bus.ready;
  const { seen } = reader(t, bus);
  publishArtifact(bus, artifact('a', '1'));
  await until(() => seen.length === 1, soon('the first'));
  await nats.stop('SIGKILL');
  publishArtifact(bus, artifact('a', '2'));
  publishArtifact(bus, artifact('a', '3'));
  publishArtifact(bus, artifact('b', '1'));
  await nats.start();
  await until(
    () => seen.includes('b@1') && seen.includes('a@3'),
    soon('what was published meanwhile'),
  );
  publishArtifact(bus, artifact('c', '1'));
  await until(() => seen.includes('c@1'), soon('what came after'));
  assert.deepEqual([...seen].sort(), ['a@1', 'a@3', 'b@1', 'c@1']);
});

it('reads all anew after NATS lost its data and sources published again', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  const source = await testBus(t, nats.url);
  const consumer = await testBus(t, nats.url);
  await source.ready;
  const { seen } = reader(t, consumer);
  const current = ['a', 'b', 'c'].map((name) => artifact(name, '1'));
  for (const message of current) publishArtifact(source, message);
  source.onRecreated((stream) => {
    if (stream !== 'weir-artifacts') return;
    for (const message of current) publishArtifact(source, message);
  });
  await until(() => seen.length === 3, soon('the first time'));
  await nats.restart({ wipe: true });
  await until(() => seen.length === 6, soon('the second time'));
  publishArtifact(source, artifact('a', '2'));
  await until(() => seen.at(-1) === 'a@2', soon('a new one'));
});

it('forgets a source that is gone, in order with what was published', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  const bus = await testBus(t, nats.url);
  await bus.ready;
  publishArtifact(bus, artifact('gone', '1'));
  publishArtifact(bus, artifact('stays', '1'));
  purgeArtifact(bus, { kind: 'GitRepository', namespace: 'ns', name: 'gone' });
  assert.equal(await bus.flush(5_000), true);
  const { seen } = reader(t, bus);
  await until(() => seen.length > 0, soon('what stays'));
  assert.deepEqual(seen, ['stays@1']);
});

it('starts before NATS does', async (t) => {
  const nats = await startNats({ started: false });
  t.after(() => nats.close());
  const bus = await testBus(t, nats.url);
  const { seen } = reader(t, bus);
  publishArtifact(bus, artifact('a', '1'));
  await nats.start();
  await until(() => seen.length === 1, soon('the artifact'));
});

it('sees nothing of other clusters', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  const [ours, theirs] = [
    await testBus(t, nats.url),
    await testBus(t, nats.url, { cluster: 'other' }),
  ];
  await Promise.all([ours.ready, theirs.ready]);
  publishArtifact(theirs, artifact('theirs', '1'));
  await theirs.flush(5_000);
  publishArtifact(ours, artifact('ours', '1'));
  await ours.flush(5_000);
  const { seen } = reader(t, ours);
  await until(() => seen.length > 0, soon('ours'));
  assert.deepEqual(seen, ['ours@1']);
});

it('survives whatever else is in the stream, and counts it', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  const bus = await testBus(t, nats.url);
  await bus.ready;
  const { seen } = reader(t, bus);
  const good = artifact('a', '1');
  const envelope = {
    specversion: '1.0',
    id: 'forged',
    source: '/s',
    type: 'weir.artifact.published',
    data: good,
  };
  const malformed: unknown[] = [
    'no JSON at all {',
    null,
    [],
    { ...envelope, type: 'weir.event.info' },
    { ...envelope, data: undefined },
    { ...envelope, data: null },
    { ...envelope, data: { ...good, artifact: undefined } },
    { ...envelope, data: { ...good, artifact: { ...good.artifact, digest: 'md5:1' } } },
    { ...envelope, data: { ...good, artifact: { ...good.artifact, revision: 'x'.repeat(5_000) } } },
    { ...envelope, data: { ...good, resourceVersion: '9'.repeat(21) } },
    { ...envelope, data: { ...good, resourceVersion: 7 } },
    { ...envelope, data: { ...good, name: '../../etc' } },
    { ...envelope, data: { ...good, uid: '' } },
    { ...envelope, traceparent: 'x'.repeat(1_000) },
    // Of another source than the one that its subject names, under which the server let it pass.
    { ...envelope, data: { ...good, name: 'b' } },
  ];
  const js = await bus.jetstream();
  const subject = 'weir.artifact.test.GitRepository%2Esource%2Etoolkit%2Efluxcd%2Eio.ns.a';
  for (const [i, message] of malformed.entries()) {
    await js.publish(subject, typeof message === 'string' ? message : JSON.stringify(message));
    // The stream keeps only the last message of a subject, so each is read before the next one is published.
    const line = `weir_messages_malformed_total{stream="weir-artifacts"} ${i + 1}\n`;
    await until(async () => (await bus.metrics.expose()).includes(line), soon(`message ${i}`));
  }
  publishArtifact(bus, good);
  await until(() => seen.length > 0, soon('the announcement'));
  assert.deepEqual(seen, ['a@1']);
  const lines = bus.lines.filter((line) => line.includes('is not what its stream holds'));
  assert.equal(lines.length, 1, 'whoever publishes garbage cannot fill the log');
});
