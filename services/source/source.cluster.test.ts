// The main paths of the source service, each from a commit at a Git server to what others see of it.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ARTIFACT_OUTDATED, FINALIZER, findCondition, GitRepository } from '@weir/api';
import { fetchArtifact } from '@weir/artifact';
import { createDiskStore } from '@weir/artifact/testing';
import { type GitServerRepository, until } from '@weir/cluster';
import { type Harness, startHarness } from './testing/harness.ts';

const timeoutMs = 20_000;

describe('source', () => {
  let harness: Harness;
  before(async () => {
    harness = await startHarness();
  });
  after(() => harness?.close());

  test('a commit becomes an artifact, a status, a message and an event', async () => {
    const { git, apply, ready } = harness;
    const namespace = await harness.namespace();
    const repo = await git.createRepository('first');
    const commit = await repo.commit({ 'a.yaml': 'a: 1\n', 'img.png': 'x' }, { message: 'Add a' });
    await apply(namespace, 'first', { url: repo.url });
    const revision = `main@sha1:${commit}`;
    const object = await ready(namespace, 'first', 'True', /^stored artifact for revision 'main@/);
    const { artifact, observedGeneration, conditions } = object.status ?? {};
    assert.ok(artifact);
    assert.equal(artifact.revision, revision);
    assert.equal(observedGeneration, 1);
    assert.deepEqual(object.metadata.finalizers, [FINALIZER]);
    assert.deepEqual(
      conditions?.map(({ type, status, reason, message }) => ({ type, status, reason, message })),
      ['Ready', 'ArtifactInStorage'].map((type) => ({
        type,
        status: 'True',
        reason: 'Succeeded',
        message: `stored artifact for revision '${revision}'`,
      })),
    );

    const message = await until(
      () => harness.artifacts.find((it) => it.message.namespace === namespace)?.message,
      { timeoutMs, message: 'the artifact on the stream' },
    );
    const { digest } = artifact;
    assert.deepEqual(message.artifact, { revision: artifact.revision, digest });
    assert.equal(message.resourceVersion, object.metadata.resourceVersion);
    assert.equal(message.uid, object.metadata.uid);
    const { event } = await until(
      () => harness.events.find((it) => it.event.involvedObject.namespace === namespace),
      { timeoutMs, message: 'the event on the stream' },
    );
    assert.equal(event.reason, 'NewArtifact');
    assert.equal(event.severity, 'info');
    assert.equal(event.message, "stored artifact for commit 'Add a'");
    assert.equal(event.reportingController, 'source-controller');
    assert.deepEqual(event.metadata, {
      'source.toolkit.fluxcd.io/revision': revision,
      'source.toolkit.fluxcd.io/digest': artifact.digest,
    });

    const fetched = await fetchArtifact(
      createDiskStore(join(tmpdir(), `weir-fetched-${randomUUID()}`)),
      artifact,
      {
        addresses: { allowLocal: true },
        signal: AbortSignal.timeout(timeoutMs),
        timeoutMs,
        maxBytes: 1e6,
      },
    );
    assert.deepEqual(Object.keys(await fetched.fileIndex()), ['a.yaml'], 'images are left out');
  });

  describe('references', () => {
    let repo: GitServerRepository;
    let namespace: string;
    let first: string;
    let second: string;
    before(async () => {
      namespace = await harness.namespace();
      repo = await harness.git.createRepository('references');
      const old = new Date('2026-01-01T00:00:00Z');
      first = await repo.commit({ a: '1' }, { tag: 'v1.0.0', date: old });
      await repo.git('-c', 'user.name=T', '-c', 'user.email=t@e', 'tag', '-a', '-m', 'r', 'v1.1.0');
      second = await repo.commit({ a: '2' }, { tag: 'v1.1.0+build', branch: 'dev' });
      await repo.git('update-ref', 'refs/pull/1/head', second);
    });

    const cases = [
      ['branch', () => ({ branch: 'dev' }), () => `dev@sha1:${second}`],
      ['tag', () => ({ tag: 'v1.1.0', branch: 'dev' }), () => `v1.1.0@sha1:${first}`],
      ['range', () => ({ semver: '1.0.x' }), () => `v1.0.0@sha1:${first}`],
      ['tie', () => ({ semver: '>=1.0.0' }), () => `v1.1.0+build@sha1:${second}`],
      ['name', () => ({ name: 'refs/pull/1/head' }), () => `refs/pull/1/head@sha1:${second}`],
      ['commit', () => ({ commit: first, branch: 'main' }), () => `main@sha1:${first}`],
      ['bare-commit', () => ({ commit: second }), () => `sha1:${second}`],
    ] as const;
    for (const [name, ref, revision] of cases) {
      test(name, async () => {
        await harness.apply(namespace, name, { url: repo.url, ref: ref() });
        const { status } = await harness.ready(namespace, name, 'True');
        assert.equal(status?.artifact?.revision, revision());
      });
    }
  });

  test('an interval with nothing new asks the remote once and writes nothing', async () => {
    const namespace = await harness.namespace();
    const repo = await harness.git.createRepository('quiet');
    await repo.commit({ a: '1' });
    await harness.apply(namespace, 'web', { url: repo.url, interval: '300ms' });
    const before = await harness.ready(namespace, 'web', 'True');
    harness.git.clearRequests();
    const asked = () => harness.git.requests().filter((it) => it.repository === 'quiet');
    const rounds = () => asked().filter((it) => it.command === 'ls-refs').length;
    await until(() => rounds() >= 3, { timeoutMs, message: 'three intervals' });
    assert.equal(asked().length, rounds(), 'one question a round, and nothing else');
    const after = await harness.read(namespace, 'web');
    assert.equal(after.metadata.resourceVersion, before.metadata.resourceVersion);

    const commit = await repo.commit({ a: '2' });
    const moved = await harness.ready(namespace, 'web', 'True', new RegExp(commit));
    assert.equal(findCondition(moved.status?.conditions, ARTIFACT_OUTDATED), undefined);
  });

  test('an interval of a millisecond is no loop', async () => {
    const namespace = await harness.namespace();
    const repo = await harness.git.createRepository('hasty');
    await repo.commit({ a: '1' });
    await harness.apply(namespace, 'web', { url: repo.url, interval: '1ms' });
    await harness.ready(namespace, 'web', 'True');
    const asked = () =>
      harness.git.requests().filter((it) => it.repository === 'hasty' && it.command === 'ls-refs');
    const [started, before] = [performance.now(), asked().length];
    await until(() => asked().length >= before + 3, { timeoutMs, message: 'three more listings' });
    // The floor is a second, of which the jitter takes a twentieth.
    assert.ok(performance.now() - started > 2 * 950, 'a listing follows the other after a second');
  });

  test('a request is answered, also when there is nothing new', async () => {
    const namespace = await harness.namespace();
    const repo = await harness.git.createRepository('asked');
    await repo.commit({ a: '1' });
    await harness.apply(namespace, 'web', { url: repo.url });
    const before = await harness.ready(namespace, 'web', 'True');
    const token = await harness.request(namespace, 'web');
    const after = await until(
      async () => {
        const object = await harness.read(namespace, 'web');
        return object.status?.lastHandledReconcileAt === token && object;
      },
      { timeoutMs, message: 'the answer' },
    );
    assert.deepEqual(after.status?.artifact, before.status?.artifact);
  });

  test('ignore rules make another artifact of the same revision', async () => {
    const namespace = await harness.namespace();
    const repo = await harness.git.createRepository('ignoring');
    await repo.commit({
      'a.yaml': '1',
      'docs/b.md': '2',
      'docs/.sourceignore': 'c.md\n',
      'docs/c.md': '3',
    });
    await harness.apply(namespace, 'web', { url: repo.url });
    const all = await harness.ready(namespace, 'web', 'True');
    await harness.apply(namespace, 'web', { url: repo.url, ignore: 'docs/\n' });
    const less = await until(
      async () => {
        const object = await harness.read(namespace, 'web');
        return object.status?.observedIgnore === 'docs/\n' && object;
      },
      { timeoutMs, message: 'the rules to be observed' },
    );
    assert.equal(less.status?.artifact?.revision, all.status?.artifact?.revision);
    assert.notEqual(less.status?.artifact?.digest, all.status?.artifact?.digest);
    assert.equal(less.status?.observedGeneration, 2);
  });

  test('suspended, it asks nothing; resumed, it goes on', async () => {
    const namespace = await harness.namespace();
    const repo = await harness.git.createRepository('resting');
    await repo.commit({ a: '1' });
    await harness.apply(namespace, 'web', { url: repo.url, suspend: true });
    await until(
      async () => (await harness.read(namespace, 'web')).metadata.finalizers?.length === 1,
      { timeoutMs, message: 'the finalizer' },
    );
    await harness.request(namespace, 'web');
    const other = await harness.git.createRepository('busy');
    await other.commit({ a: '1' });
    await harness.apply(namespace, 'other', { url: other.url });
    await harness.ready(namespace, 'other', 'True');
    assert.deepEqual(
      harness.git.requests().filter((it) => it.repository === 'resting'),
      [],
    );
    await harness.apply(namespace, 'web', { url: repo.url, suspend: false });
    await harness.ready(namespace, 'web', 'True');
  });

  test('objects that want the same share one fetch', async () => {
    const namespace = await harness.namespace();
    const repo = await harness.git.createRepository('shared');
    await repo.commit({ a: '1' });
    const names = ['one', 'two', 'three', 'four'];
    // All there when the service starts, and with their finalizers: they begin at the same time.
    await harness.stop();
    for (const name of names) {
      await harness.apply(namespace, name, { url: repo.url });
      const finalizers = { metadata: { finalizers: [FINALIZER] } };
      await harness.client.patch(GitRepository, { namespace, name }, finalizers, { kind: 'merge' });
    }
    await harness.start();
    const objects = await Promise.all(names.map((name) => harness.ready(namespace, name, 'True')));
    assert.equal(new Set(objects.map((it) => it.status?.artifact?.digest)).size, 1);
    const conversations = harness.git
      .requests()
      .filter((it) => it.repository === 'shared' && it.path === 'git-upload-pack');
    // The first asks for the reference, those that came meanwhile ask once more, and one of them fetches.
    assert.equal(conversations.length, 3);
  });

  test('deleted, its message goes too', async () => {
    const namespace = await harness.namespace();
    const repo = await harness.git.createRepository('gone');
    await repo.commit({ a: '1' });
    await harness.apply(namespace, 'web', { url: repo.url });
    await harness.ready(namespace, 'web', 'True');
    const subject = `weir.artifact.test.GitRepository%2Esource%2Etoolkit%2Efluxcd%2Eio.${namespace}.web`;
    const subjects = async () => {
      const manager = await (await harness.bus.jetstream()).jetstreamManager();
      const { state } = await manager.streams.info('weir-artifacts', { subjects_filter: subject });
      return Object.keys(state.subjects ?? {});
    };
    await until(async () => (await subjects()).length === 1, { timeoutMs, message: 'the message' });
    await harness.client.delete(GitRepository, { namespace, name: 'web' });
    await until(
      () =>
        harness.read(namespace, 'web').then(
          () => false,
          (error) => error.status === 404,
        ),
      { timeoutMs, message: 'the object to be gone' },
    );
    await until(async () => (await subjects()).length === 0, { timeoutMs, message: 'the purge' });
  });
});
