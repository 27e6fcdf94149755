// What an artifact contains besides a repository's own files, and what it doesn't contain: include, sparseCheckout,
// recurseSubmodules.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { FETCH_FAILED, findCondition, type GitRepository, INCLUDE_UNAVAILABLE } from '@weir/api';
import { fetchArtifact } from '@weir/artifact';
import { createDiskStore } from '@weir/artifact/testing';
import { type GitServerRepository, until } from '@weir/cluster';
import type { Harness } from '../testing/harness.ts';

const timeoutMs = 20_000;

export function contentCases(shared: () => Harness): void {
  describe('the contents of an artifact', () => {
    let harness: Harness;
    let count = 0;
    before(async () => {
      harness = shared();
    });

    async function filesOf({ status }: GitRepository): Promise<string[]> {
      const artifact = status?.artifact;
      assert.ok(artifact);
      const store = createDiskStore(join(tmpdir(), `weir-fetched-${randomUUID()}`));
      const signal = AbortSignal.timeout(timeoutMs);
      const options = { addresses: { allowLocal: true }, signal, timeoutMs, maxBytes: 1e6 };
      const fetched = await fetchArtifact(store, artifact, options);
      return Object.keys(await fetched.fileIndex());
    }
    const repository = () => harness.git.createRepository(`contents-${++count}`);

    describe('include', () => {
      test('waits for the other, takes what it has, and follows it', async () => {
        const namespace = await harness.namespace();
        const [app, lib] = [await repository(), await repository()];
        await app.commit({ 'app.yaml': 'a: 1\n' });
        await lib.commit({
          'deploy/x.yaml': 'x: 1\n',
          'y.yaml': 'y: 1\n',
          '.sourceignore': '/y.yaml\n',
        });
        const include = [
          { repository: { name: 'lib' } },
          { repository: { name: 'lib' }, fromPath: 'deploy', toPath: 'base/lib' },
        ];
        await harness.apply(namespace, 'app', { url: app.url, include });
        const waiting = await harness.ready(
          namespace,
          'app',
          'False',
          /^could not get resource for include 'lib': gitrepositories\.source\.toolkit\.fluxcd\.io "lib" not found$/,
        );
        const condition = findCondition(waiting.status?.conditions, INCLUDE_UNAVAILABLE);
        assert.deepEqual([condition?.status, condition?.reason], ['True', 'NotFound']);

        await harness.apply(namespace, 'lib', { url: lib.url });
        const first = await harness.ready(namespace, 'app', 'True');
        assert.deepEqual(await filesOf(first), [
          'app.yaml',
          'base/lib/x.yaml',
          'lib/.sourceignore',
          'lib/deploy/x.yaml',
        ]);
        assert.equal(findCondition(first.status?.conditions, INCLUDE_UNAVAILABLE), undefined);
        assert.deepEqual(first.status?.observedInclude, include);
        const other = await harness.read(namespace, 'lib');
        assert.deepEqual(first.status?.includedArtifacts, [
          other.status?.artifact,
          other.status?.artifact,
        ]);

        await lib.commit({ 'deploy/z.yaml': 'z: 1\n' });
        await harness.request(namespace, 'lib');
        await until(
          async () =>
            (await filesOf(await harness.read(namespace, 'app'))).includes('base/lib/z.yaml'),
          {
            timeoutMs,
            message: 'the new artifact to be included',
          },
        );
        const second = await harness.ready(namespace, 'app', 'True');
        assert.equal(second.status?.artifact?.revision, first.status?.artifact?.revision);

        await harness.apply(namespace, 'app', { url: app.url, include: [] });
        const without = await until(
          async () => {
            const object = await harness.ready(namespace, 'app', 'True');
            return object.status?.includedArtifacts === undefined && object;
          },
          { timeoutMs, message: 'the inclusion to be gone' },
        );
        assert.deepEqual(await filesOf(without as GitRepository), ['app.yaml']);
        assert.equal((without as GitRepository).status?.observedInclude, undefined);
      });

      test('a circle, a folder that is taken, one that is missing', async () => {
        const namespace = await harness.namespace();
        const repo = await repository();
        await repo.commit({ 'a/b.yaml': 'b: 1\n' });
        await harness.apply(namespace, 'plain', { url: repo.url });
        await harness.ready(namespace, 'plain', 'True');
        const including = (name: string, rest = {}) => [{ repository: { name }, ...rest }];
        await harness.apply(namespace, 'one', { url: repo.url, include: including('two') });
        await harness.apply(namespace, 'two', { url: repo.url, include: including('one') });
        const circle = /^GitRepositories include each other in a circle: one -> two -> one$/;
        await harness.request(namespace, 'one');
        await harness.ready(namespace, 'one', 'False', circle);
        await harness.apply(namespace, 'self', { url: repo.url, include: including('self') });
        await harness.ready(namespace, 'self', 'False', /circle: self -> self$/);

        const taken = including('plain', { toPath: './a' });
        await harness.apply(namespace, 'taken', { url: repo.url, include: taken });
        const object = await harness.ready(
          namespace,
          'taken',
          'False',
          /: '\.\/a' exists already$/,
        );
        assert.equal(findCondition(object.status?.conditions, 'Ready')?.reason, 'CopyFailure');
        const missing = including('plain', { fromPath: 'gone' });
        await harness.apply(namespace, 'missing', { url: repo.url, include: missing });
        await harness.ready(
          namespace,
          'missing',
          'False',
          /'gone' is not in the included artifact$/,
        );
      });

      test('an object of another namespace is not included', async () => {
        const [here, there] = [await harness.namespace(), await harness.namespace()];
        const repo = await repository();
        await repo.commit({ a: '1' });
        await harness.apply(there, 'secret', { url: repo.url });
        await harness.ready(there, 'secret', 'True');
        for (const name of ['secret', `../${there}/secret`]) {
          const include = [{ repository: { name } }];
          await harness.apply(here, 'web', { url: repo.url, include });
          await harness.ready(here, 'web', 'False', /^could not get resource for include '/);
        }
      });
    });

    test('sparseCheckout', async () => {
      const namespace = await harness.namespace();
      const repo = await repository();
      await repo.commit({
        'charts/x.yaml': 'x: 1\n',
        'deploy/y.yaml': 'y: 1\n',
        'z.yaml': 'z: 1\n',
      });
      await harness.apply(namespace, 'web', { url: repo.url, sparseCheckout: ['./charts'] });
      const object = await harness.ready(namespace, 'web', 'True');
      assert.deepEqual(await filesOf(object), ['charts/x.yaml']);
      assert.deepEqual(object.status?.observedSparseCheckout, ['./charts']);
      await harness.apply(namespace, 'web', { url: repo.url, sparseCheckout: ['deploy', 'gone'] });
      const failed = await harness.ready(
        namespace,
        'web',
        'False',
        /^failed to sparse checkout directories : sparse checkout dir 'gone' does not exist in repository/,
      );
      assert.equal(
        findCondition(failed.status?.conditions, FETCH_FAILED)?.reason,
        'GitOperationFailed',
      );
      assert.deepEqual(failed.status?.artifact, object.status?.artifact);
    });

    test('recurseSubmodules', async () => {
      const namespace = await harness.namespace();
      const [app, lib] = [await repository(), await repository()];
      const inner = await lib.commit({ 'lib.yaml': 'l: 1\n' });
      await withSubmodule(app, `../${lib.name}.git`, inner);
      await harness.apply(namespace, 'web', { url: app.url });
      assert.deepEqual(await filesOf(await harness.ready(namespace, 'web', 'True')), ['app.yaml']);
      await harness.apply(namespace, 'web', { url: app.url, recurseSubmodules: true });
      const object = await until(
        async () => {
          const found = await harness.ready(namespace, 'web', 'True');
          return found.status?.observedRecurseSubmodules === true && found;
        },
        { timeoutMs, message: 'the submodule' },
      );
      assert.deepEqual(await filesOf(object as GitRepository), ['app.yaml', 'vendor/lib/lib.yaml']);

      const hostile = await repository();
      await withSubmodule(hostile, 'file:///etc', inner);
      await harness.apply(namespace, 'hostile', { url: hostile.url, recurseSubmodules: true });
      await harness.ready(
        namespace,
        'hostile',
        'False',
        /submodule 'vendor\/lib': its url 'file:\/\/\/etc' is not followed/,
      );
    });

    async function withSubmodule(repo: GitServerRepository, url: string, commit: string) {
      const modules = `[submodule "lib"]\n\tpath = vendor/lib\n\turl = ${url}\n`;
      const base = await repo.commit({ '.gitmodules': modules, 'app.yaml': 'a: 1\n' });
      await repo.git('read-tree', base);
      await repo.git('update-index', '--add', '--cacheinfo', `160000,${commit},vendor/lib`);
      const tree = await repo.git('write-tree');
      const who = ['-c', 'user.name=T', '-c', 'user.email=t@e'];
      const id = await repo.git(...who, 'commit-tree', '-p', base, '-m', 'Add lib', tree);
      await repo.git('update-ref', 'refs/heads/main', id);
    }
  });
}
