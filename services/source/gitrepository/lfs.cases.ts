// spec.lfs: contents of Git LFS take the place of their pointers.
import { deepEqual, equal, ok } from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { findCondition, type GitRepository, READY } from '@weir/api';
import { readTar } from '@weir/artifact';
import { type LfsServer, startLfsServer, until } from '@weir/cluster';
import type { Harness } from '../testing/harness.ts';

const timeoutMs = 60_000;
const LOGIN = { username: 'ann', password: 's3cret-pw' };
const HEADER = `Basic ${Buffer.from('ann:s3cret-pw').toString('base64')}`;

export function lfsCases(shared: () => Harness): void {
  describe('spec.lfs', () => {
    let harness: Harness;
    let lfs: LfsServer;
    before(async () => {
      harness = shared();
      lfs = await startLfsServer(harness.git.url);
      lfs.protect(HEADER);
    });
    after(() => lfs?.close());

    async function contentsOf(url: string): Promise<Record<string, string>> {
      const response = await fetch(url);
      equal(response.status, 200);
      const archive = gunzipSync(Buffer.from(await response.arrayBuffer()));
      const found: Record<string, string> = {};
      const stream = (async function* () {
        yield archive;
      })();
      for await (const { path, content } of readTar(stream, { maxEntries: 100 })) {
        const chunks: Uint8Array[] = [];
        for await (const chunk of content) chunks.push(chunk);
        found[path] = Buffer.concat(chunks).toString();
      }
      return found;
    }

    /** Waits for the artifact that the present spec asks for. */
    async function artifactOf(namespace: string, hasContents: boolean) {
      const object = await until(
        async () => {
          const found = await harness.ready(namespace, 'web', 'True');
          return (found.status?.observedLfs === true) === hasContents ? found : undefined;
        },
        { timeoutMs, message: `an artifact ${hasContents ? 'with contents' : 'of pointers'}` },
      );
      const { artifact } = (object as GitRepository).status ?? {};
      ok(artifact);
      return artifact;
    }

    test('resolves pointers with the credentials of the repository, and leaves them alone without', async () => {
      const namespace = await harness.namespace();
      const repository = await harness.git.createRepository('with-lfs', { auth: LOGIN });
      const model = lfs.put('a model of weights');
      const left = lfs.put('not wanted');
      await repository.commit({
        'app.yaml': 'a: 1\n',
        'models/one.bin': model,
        'models/same.bin': model,
        'ignored.bin': left,
      });
      await harness.secret(namespace, 'login', LOGIN);
      const spec = {
        url: `${lfs.url}/with-lfs.git`,
        secretRef: { name: 'login' },
        ignore: '/ignored.bin\n',
      };
      await harness.apply(namespace, 'web', spec);
      const pointers = await artifactOf(namespace, false);
      equal((await contentsOf(pointers.url))['models/one.bin'], model);
      deepEqual(lfs.downloads(), []);

      await harness.apply(namespace, 'web', { ...spec, lfs: true });
      const resolved = await artifactOf(namespace, true);
      const files = { 'app.yaml': 'a: 1\n', 'models/one.bin': 'a model of weights' };
      const all = { ...files, 'models/same.bin': 'a model of weights' };
      deepEqual(await contentsOf(resolved.url), all);
      equal(resolved.revision, pointers.revision);
      equal(lfs.downloads().length, 1, 'one content is fetched once, and nothing that is ignored');

      await harness.store.remove(resolved.digest);
      deepEqual(await contentsOf(resolved.url), all, 'one that the store lost is made again');

      await repository.commit({ 'app.yaml': 'a: 2\n' });
      await harness.request(namespace, 'web');
      await until(
        async () => {
          const { artifact } = (await harness.read(namespace, 'web')).status ?? {};
          return artifact !== undefined && artifact.revision !== resolved.revision;
        },
        { timeoutMs, message: 'the next commit' },
      );
      equal(lfs.downloads().length, 1, 'what the commit before had is not fetched again');

      await harness.apply(namespace, 'web', { ...spec, lfs: false });
      const again = await artifactOf(namespace, false);
      equal((await contentsOf(again.url))['models/one.bin'], model);
    });

    test('what the server lacks fails with its name, and the artifact of before stays', async () => {
      const namespace = await harness.namespace();
      const repository = await harness.git.createRepository('without-content', { auth: LOGIN });
      await repository.commit({ 'one.bin': lfs.put('one') });
      await harness.secret(namespace, 'login', LOGIN);
      const url = `${lfs.url}/without-content.git`;
      await harness.apply(namespace, 'web', { url, secretRef: { name: 'login' }, lfs: true });
      const before = await artifactOf(namespace, true);
      const oid = 'ab'.repeat(32);
      const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize 7\n`;
      await repository.commit({ 'two.bin': pointer });
      await harness.request(namespace, 'web');
      const message = new RegExp(
        `^failed to checkout and determine revision: unable to get LFS object ${oid}: the LFS server has no such object$`,
      );
      const failed = await harness.ready(namespace, 'web', 'False', message);
      equal(findCondition(failed.status?.conditions, READY)?.reason, 'GitOperationFailed');
      deepEqual(failed.status?.artifact, before);
    });
  });
}
