// Changes of a branch's history, and a repository's own settings of how its files are read.
import { deepEqual, equal, match, notEqual } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { FETCH_FAILED, findCondition } from '@weir/api';
import type { Harness } from '../testing/harness.ts';

export function historyCases(shared: () => Harness): void {
  describe('the history of a repository', () => {
    let harness: Harness;
    before(async () => {
      harness = shared();
    });

    test('a branch that is forced back to an older commit is followed', async () => {
      const namespace = await harness.namespace();
      const repo = await harness.git.createRepository('forced');
      const first = await repo.commit({ a: '1' });
      const second = await repo.commit({ a: '2' });
      await harness.apply(namespace, 'web', { url: repo.url });
      await harness.ready(namespace, 'web', 'True', new RegExp(second));
      await repo.git('update-ref', 'refs/heads/main', first);
      await harness.request(namespace, 'web');
      const { status } = await harness.ready(namespace, 'web', 'True', new RegExp(first));
      equal(status?.artifact?.revision, `main@sha1:${first}`);
    });

    test('a branch that is rewritten without a common commit is followed', async () => {
      const namespace = await harness.namespace();
      const repo = await harness.git.createRepository('rewritten');
      const old = await repo.commit({ a: '1' });
      await harness.apply(namespace, 'web', { url: repo.url });
      const before = await harness.ready(namespace, 'web', 'True', new RegExp(old));
      const tree = await repo.git('rev-parse', `${old}^{tree}`);
      const who = ['-c', 'user.name=T', '-c', 'user.email=t@e'];
      const other = await repo.git(...who, 'commit-tree', '-m', 'Begin anew', tree);
      await repo.git('update-ref', 'refs/heads/main', other);
      await harness.request(namespace, 'web');
      const after = await harness.ready(namespace, 'web', 'True', new RegExp(other));
      // The files are the same, and so is the archive.
      equal(after.status?.artifact?.digest, before.status?.artifact?.digest);
      notEqual(after.status?.artifact?.revision, before.status?.artifact?.revision);
    });

    test('a branch that is deleted fails by name, and its artifact stays', async () => {
      const namespace = await harness.namespace();
      const repo = await harness.git.createRepository('deleted');
      await repo.commit({ a: '1' });
      await repo.git('update-ref', 'refs/heads/next', 'refs/heads/main');
      await harness.apply(namespace, 'web', { url: repo.url, ref: { branch: 'next' } });
      const { artifact } = (await harness.ready(namespace, 'web', 'True')).status ?? {};
      await repo.git('update-ref', '-d', 'refs/heads/next');
      await harness.request(namespace, 'web');
      const message = /couldn't find remote ref "refs\/heads\/next": /;
      const failed = await harness.ready(namespace, 'web', 'False', message);
      deepEqual(failed.status?.artifact, artifact);
      equal(findCondition(failed.status?.conditions, FETCH_FAILED)?.reason, 'GitOperationFailed');
    });

    test('a repository without a commit says so, until there is one', async () => {
      const namespace = await harness.namespace();
      const repo = await harness.git.createRepository('empty');
      await harness.apply(namespace, 'web', { url: repo.url });
      const failed = await harness.ready(namespace, 'web', 'False', /^git repository is empty/);
      equal(findCondition(failed.status?.conditions, FETCH_FAILED)?.reason, 'EmptyGitRepository');
      const commit = await repo.commit({ a: '1' });
      await harness.request(namespace, 'web');
      await harness.ready(namespace, 'web', 'True', new RegExp(commit));
    });

    test('filters and line ends of .gitattributes change nothing', async () => {
      const namespace = await harness.namespace();
      const repo = await harness.git.createRepository('attributes');
      const attributes = '* filter=lfs ident eol=crlf text export-subst\n/b.txt export-ignore\n';
      const content = '$Id$ $Format:%H$\nline\n';
      await repo.commit({ '.gitattributes': attributes, 'a.txt': content, 'b.txt': content });
      await harness.apply(namespace, 'web', { url: repo.url });
      const { artifact } = (await harness.ready(namespace, 'web', 'True')).status ?? {};
      const files = await harness.store.fileIndex(artifact?.digest ?? '');
      // Files of version control are left out by default, as in Flux.
      deepEqual(Object.keys(files), ['a.txt', 'b.txt']);
      const hash = createHash('sha256').update(content).digest('hex');
      for (const file of Object.values(files)) match(JSON.stringify(file), new RegExp(hash));
    });
  });
}
