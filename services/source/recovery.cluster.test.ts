// How the source service recovers: everything except the Git server and Kubernetes may be lost.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Artifact, GitRepository } from '@weir/api';
import { fetchArtifact } from '@weir/artifact';
import { createDiskStore } from '@weir/artifact/testing';
import { type Collector, startCollector, until } from '@weir/cluster';
import { type Harness, startHarness } from './testing/harness.ts';

const timeoutMs = 30_000;

describe('source, after a loss', () => {
  let harness: Harness;
  let collector: Collector;
  before(async () => {
    collector = await startCollector();
    const flags = {
      'garbage-interval': '500ms',
      'artifact-retention': '1s',
      'artifact-address': 'http://source',
    };
    harness = await startHarness(flags, collector.url);
  });
  after(async () => {
    await harness?.close();
    await collector.close();
  });

  async function create(repository: string, interval = '1h') {
    const namespace = await harness.namespace();
    const repo = await harness.git.createRepository(repository);
    await repo.commit({ 'a.yaml': repository });
    await harness.apply(namespace, 'web', { url: repo.url, interval });
    const object = await harness.ready(namespace, 'web', 'True');
    assert.ok(object.status?.artifact);
    return { namespace, repo, object, artifact: object.status.artifact };
  }

  const published = (namespace: string) =>
    harness.artifacts.filter((it) => it.message.namespace === namespace);
  const told = (namespace: string) =>
    harness.events.filter((it) => it.event.involvedObject.namespace === namespace);

  function download(artifact: Artifact, port: number) {
    const { pathname } = new URL(artifact.url);
    return fetchArtifact(
      createDiskStore(join(tmpdir(), `weir-fetched-${randomUUID()}`)),
      { ...artifact, url: `http://127.0.0.1:${port}${pathname}` },
      {
        addresses: { allowLocal: true },
        signal: AbortSignal.timeout(timeoutMs),
        timeoutMs,
        maxBytes: 1e6,
      },
    );
  }

  test('one trace holds all steps, and goes on in the message and the event', async () => {
    const { namespace } = await create('traced');
    await until(() => published(namespace).length > 0 && told(namespace).length > 0, {
      timeoutMs,
      message: 'message and event',
    });
    const traceparent = published(namespace)[0]?.traceparent ?? '';
    const traceId = traceparent.split('-')[1];
    assert.equal(told(namespace)[0]?.traceparent?.split('-')[1], traceId);
    const spans = await until(
      () => {
        const found = collector.spans().filter((span) => span.traceId === traceId);
        return found.some((span) => span.name === 'reconcile GitRepository') && found;
      },
      { timeoutMs, message: 'the spans' },
    );
    const root = spans.find((span) => span.name === 'reconcile GitRepository');
    for (const name of ['ls-remote', 'fetch', 'pack', 'store']) {
      assert.equal(spans.find((span) => span.name === name)?.parentSpanId, root?.spanId, name);
    }
  });

  test('NATS comes back without its data: message and artifact come back', async () => {
    const { namespace, object, artifact } = await create('wiped');
    await until(() => published(namespace).length === 1, { timeoutMs, message: 'the message' });
    await harness.cluster.restart('nats-server', { wipe: true });
    await until(() => published(namespace).length > 1, { timeoutMs, message: 'the message again' });
    const { revision, digest } = artifact;
    assert.deepEqual(published(namespace).at(-1)?.message.artifact, { revision, digest });
    await until(() => harness.store.has(artifact.digest), { timeoutMs, message: 'the artifact' });
    const now = await harness.read(namespace, 'web');
    assert.deepEqual(now.status, object.status);
  });

  test('while NATS is away a new commit is fetched; it is told afterwards', async () => {
    const { namespace, repo } = await create('offline', '300ms');
    await until(() => published(namespace).length === 1, { timeoutMs, message: 'the message' });
    await harness.cluster.stop('nats-server');
    const commit = await repo.commit({ 'a.yaml': 'changed' });
    const object = await harness.ready(namespace, 'web', 'True', new RegExp(commit));
    await harness.cluster.start('nats-server');
    await until(() => published(namespace).length > 1, { timeoutMs, message: 'the message' });
    const { revision = '', digest = '' } = object.status?.artifact ?? {};
    assert.deepEqual(published(namespace).at(-1)?.message.artifact, { revision, digest });
    await until(() => harness.store.has(digest), { timeoutMs, message: 'the artifact' });
  });

  test('a process that ended before it published: the next one does', async () => {
    const { namespace, repo, object, artifact } = await create('crashed');
    await until(() => told(namespace).length === 1, { timeoutMs, message: 'the event' });
    await harness.stop();
    // This is what a process leaves that ends between writing the status and the remaining steps.
    const name = 'twin';
    await harness.apply(namespace, name, { url: repo.url });
    const path = artifact.path.replace('/web/', `/${name}/`);
    const status = { ...object.status, artifact: { ...artifact, path } };
    const patch = { kind: 'merge', subresource: 'status' } as const;
    await harness.client.patch(GitRepository, { namespace, name }, { status }, patch);

    await harness.start();
    const messages = () => published(namespace).filter((it) => it.message.name === name);
    const events = () => told(namespace).filter((it) => it.event.involvedObject.name === name);
    await until(() => messages().length > 0, { timeoutMs, message: 'the message' });
    await until(() => events().length > 0, { timeoutMs, message: 'the event' });
    assert.equal(messages()[0]?.message.artifact.digest, artifact.digest);
    assert.equal(events()[0]?.event.reason, 'NewArtifact');

    await harness.stop();
    await harness.start();
    const token = await harness.request(namespace, name);
    const answered = async () =>
      (await harness.read(namespace, name)).status?.lastHandledReconcileAt === token;
    await until(answered, { timeoutMs, message: 'the answer' });
    assert.equal(messages().length, 1, 'what is on the stream is not published again');
    assert.equal(told(namespace).length, 2, 'what was told is not told again');
  });

  test('an artifact that the store lost is made again for who asks, and by the interval', async () => {
    const { namespace, artifact, object } = await create('lost');
    await harness.store.remove(artifact.digest);
    const second = await harness.replica('second');
    try {
      const fetched = await download(artifact, second.ports?.().artifacts ?? 0);
      assert.deepEqual(Object.keys(await fetched.fileIndex()), ['a.yaml']);
    } finally {
      await second.close();
    }
    await harness.store.remove(artifact.digest);
    await harness.request(namespace, 'web');
    await until(() => harness.store.has(artifact.digest), { timeoutMs, message: 'the artifact' });
    const now = await harness.ready(namespace, 'web', 'True');
    assert.deepEqual(now.status?.artifact, object.status?.artifact);
  });

  test('garbage: what nobody names goes, what is named stays', async () => {
    const { namespace, repo, artifact } = await create('garbage');
    const commit = await repo.commit({ 'a.yaml': 'other' });
    await harness.request(namespace, 'web');
    const object = await harness.ready(namespace, 'web', 'True', new RegExp(commit));
    await until(async () => !(await harness.store.has(artifact.digest)), {
      timeoutMs,
      message: 'the old artifact to go',
    });
    assert.equal(await harness.store.has(object.status?.artifact?.digest ?? ''), true);
  });

  test('two replicas share the objects, and one takes over from the other', async () => {
    const namespace = await harness.namespace();
    const second = await harness.replica('other');
    const repos = [];
    for (let index = 0; index < 8; index++) {
      const repo = await harness.git.createRepository(`replicas-${index}`);
      await repo.commit({ a: '1' });
      await harness.apply(namespace, `r${index}`, { url: repo.url, interval: '500ms' });
      repos.push(repo);
    }
    for (const index of repos.keys()) await harness.ready(namespace, `r${index}`, 'True');
    await until(() => published(namespace).length >= 8, { timeoutMs, message: 'all messages' });
    assert.equal(published(namespace).length, 8, 'each published once');
    await harness.stop();
    const commits = await Promise.all(repos.map((repo) => repo.commit({ a: '2' })));
    for (const [index, commit] of commits.entries())
      await harness.ready(namespace, `r${index}`, 'True', new RegExp(commit));
    await harness.start();
    await second.close();
  });
});
