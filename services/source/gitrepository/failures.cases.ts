// What a GitRepository reports when something is wrong, and that it recovers.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { FETCH_FAILED, findCondition, GitRepository, STALLED } from '@weir/api';
import { startGitServer, until } from '@weir/cluster';
import type { Harness } from '../testing/harness.ts';

const timeoutMs = 20_000;

export function failureCases(shared: () => Harness): void {
  describe('source, when something is wrong', () => {
    let harness: Harness;
    before(async () => {
      harness = shared();
    });

    describe('credentials', () => {
      const auth = { username: 'ada', password: 'pa:ss-word' };

      test('basic: right, wrong, right again', async () => {
        const namespace = await harness.namespace();
        const repo = await harness.git.createRepository('private', { auth });
        await repo.commit({ a: '1' });
        await harness.apply(namespace, 'web', { url: repo.url, secretRef: { name: 'login' } });
        const missing = await harness.ready(namespace, 'web', 'False', /failed to get secret/);
        const reason = findCondition(missing.status?.conditions, FETCH_FAILED)?.reason;
        assert.equal(reason, 'AuthenticationFailed');

        await harness.secret(namespace, 'login', { ...auth, password: 'guessed' });
        await harness.request(namespace, 'web');
        const failed = await harness.ready(
          namespace,
          'web',
          'False',
          /^failed to checkout and determine revision: unable to clone 'http.*': authentication required$/,
        );
        assert.doesNotMatch(JSON.stringify([failed, harness.events]), /guessed/);

        await harness.secret(namespace, 'login', auth);
        await harness.request(namespace, 'web');
        const { status } = await harness.ready(namespace, 'web', 'True');
        assert.equal(findCondition(status?.conditions, FETCH_FAILED), undefined);
      });

      test('bearer token', async () => {
        const namespace = await harness.namespace();
        const repo = await harness.git.createRepository('token', { auth: { bearer: 'to-ken' } });
        await repo.commit({ a: '1' });
        await harness.secret(namespace, 'login', { bearerToken: 'to-ken' });
        await harness.apply(namespace, 'web', { url: repo.url, secretRef: { name: 'login' } });
        await harness.ready(namespace, 'web', 'True');
      });
    });

    describe('failures', () => {
      test('a branch that is not there, then is', async () => {
        const namespace = await harness.namespace();
        const repo = await harness.git.createRepository('branches');
        await repo.commit({ a: '1' });
        await harness.apply(namespace, 'web', { url: repo.url, ref: { branch: 'next' } });
        const object = await harness.ready(
          namespace,
          'web',
          'False',
          /remote ref "refs\/heads\/next"/,
        );
        assert.equal(object.status?.observedGeneration, -1);
        assert.equal(object.status?.artifact, undefined);
        const failure = findCondition(object.status?.conditions, FETCH_FAILED);
        assert.equal(failure?.reason, 'GitOperationFailed');
        const happened = () =>
          harness.events
            .map((it) => it.event)
            .filter((event) => event.involvedObject.namespace === namespace);
        await until(() => happened().length === 1, { timeoutMs, message: 'the event' });
        assert.equal(happened()[0]?.severity, 'error');
        assert.equal(happened()[0]?.reason, 'GitOperationFailed');

        // It is retried automatically, and the same failure is neither written nor published again.
        harness.git.clearRequests();
        const asked = () =>
          harness.git.requests().filter((it) => it.repository === 'branches').length;
        await until(() => asked() > 2, { timeoutMs, message: 'another attempt' });
        const later = await harness.read(namespace, 'web');
        assert.equal(later.metadata.resourceVersion, object.metadata.resourceVersion);
        assert.equal(happened().length, 1);

        await repo.commit({ a: '2' }, { branch: 'next' });
        await harness.ready(namespace, 'web', 'True');
        await until(() => happened().length === 2, { timeoutMs, message: 'the recovery' });
        assert.equal(happened()[1]?.reason, 'NewArtifact');
      });

      test('a range that is none', async () => {
        const namespace = await harness.namespace();
        const repo = await harness.git.createRepository('ranges');
        await repo.commit({ a: '1' }, { tag: 'v1.0.0' });
        await harness.apply(namespace, 'web', { url: repo.url, ref: { semver: 'latest!' } });
        await harness.ready(namespace, 'web', 'False', /determine revision: semver parse error: /);
        await harness.apply(namespace, 'web', { url: repo.url, ref: { semver: '>=2' } });
        await harness.ready(
          namespace,
          'web',
          'False',
          /: no match found for semver: >=2 \(the highest version is v1\.0\.0\)$/,
        );
      });

      test('a server that fails keeps the artifact; its recovery is told', async () => {
        const namespace = await harness.namespace();
        const repo = await harness.git.createRepository('flaky');
        await repo.commit({ a: '1' }, { message: 'One' });
        await harness.apply(namespace, 'web', { url: repo.url });
        const good = await harness.ready(namespace, 'web', 'True');
        repo.setFault({ status: 500 });
        await harness.request(namespace, 'web');
        const bad = await harness.ready(namespace, 'web', 'False', /error: 500/);
        assert.deepEqual(bad.status?.artifact, good.status?.artifact);
        repo.setFault(undefined);
        const recovered = await harness.ready(namespace, 'web', 'True');
        assert.deepEqual(recovered.status?.artifact, good.status?.artifact);
        const reasons = () =>
          harness.events
            .filter((it) => it.event.involvedObject.namespace === namespace)
            .map((it) => it.event.reason);
        await until(() => reasons().includes('Succeeded'), { timeoutMs, message: 'the event' });
        assert.deepEqual(reasons(), ['NewArtifact', 'GitOperationFailed', 'Succeeded']);
      });

      test('a server that does not answer in time', async () => {
        const namespace = await harness.namespace();
        const repo = await harness.git.createRepository('hanging');
        repo.setFault({ hang: true });
        await harness.apply(namespace, 'web', { url: repo.url, timeout: '300ms' });
        await harness.ready(namespace, 'web', 'False', /context deadline exceeded/);
      });

      test('a host that hangs holds up nobody else', async () => {
        const namespace = await harness.namespace();
        const elsewhere = await startGitServer();
        try {
          const names = Array.from({ length: 20 }, (_, index) => `stuck-${index}`);
          for (const name of names) {
            const repo = await elsewhere.createRepository(name);
            repo.setFault({ hang: true });
            await harness.apply(namespace, name, { url: repo.url, timeout: '60s' });
          }
          // Of 16 slots a host gets 14, and of those a namespace alone gets 11.
          await until(() => elsewhere.requests().length >= 11, {
            timeoutMs,
            message: 'them to hang',
          });
          const repo = await harness.git.createRepository('lively');
          await repo.commit({ a: '1' });
          await harness.apply(namespace, 'web', { url: repo.url });
          await harness.ready(namespace, 'web', 'True');
          assert.equal(elsewhere.requests().length, 11);
          for (const name of names) await harness.client.delete(GitRepository, { namespace, name });
        } finally {
          await elsewhere.close();
        }
      });

      test('a url without meaning stalls', async () => {
        const namespace = await harness.namespace();
        await harness.apply(namespace, 'web', { url: 'http://host:port/x' });
        const { status } = await harness.ready(namespace, 'web', 'False', /^failed to parse url/);
        assert.equal(findCondition(status?.conditions, STALLED)?.reason, 'URLInvalid');
        assert.equal(status?.observedGeneration, 1);
      });

      test('large files over ssh are refused by name, and the object works without them', async () => {
        const namespace = await harness.namespace();
        const repo = await harness.git.createRepository('fields');
        await repo.commit({ a: '1' });
        await harness.apply(namespace, 'web', { url: 'ssh://git@127.0.0.1/fields.git', lfs: true });
        const { status } = await harness.ready(namespace, 'web', 'False', /spec\.lfs/);
        assert.equal(findCondition(status?.conditions, STALLED)?.reason, 'UnsupportedField');
        await harness.apply(namespace, 'web', { url: repo.url });
        const object = await harness.ready(namespace, 'web', 'True');
        assert.equal(findCondition(object.status?.conditions, STALLED), undefined);
      });
    });
  });
}
