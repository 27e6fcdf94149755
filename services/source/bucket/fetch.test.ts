// The requests to an object store, and their results.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type S3Server, startS3Server } from '@weir/cluster';
import { type BucketFetcher, startBucketFetcher } from '../testing/bucket-fetcher.ts';
import type { Wanted } from './fetch.ts';

const EMPTY = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

describe('a bucket', () => {
  let server: S3Server;
  let fetcher: BucketFetcher;
  before(async () => {
    server = await startS3Server();
    fetcher = await startBucketFetcher({ maxBytes: 1_000_000 });
  });
  after(async () => {
    server.front.intercept(undefined);
    await Promise.all([server?.close(), fetcher?.close()]);
  });

  const wanted = (bucket: string, options: Partial<Wanted> = {}) =>
    fetcher.wanted(server.endpoint, bucket, options);

  async function make(bucket: string, options: Partial<Wanted> = {}) {
    const what = wanted(bucket, options);
    const listing = await fetcher.list(what);
    const snapshot = await fetcher.store(what, listing);
    const paths = Object.keys(await fetcher.artifacts.fileIndex(snapshot.digest));
    return { ...snapshot, listing, paths };
  }

  /** The keys of objects that were read since the last time. */
  function reads(): string[] {
    const paths = server.front.requests().map(({ path }) => path.split('?')[0] ?? '');
    server.front.clear();
    return paths.filter((path) => !/^\/[^/]+\/?$/.test(path)).sort();
  }

  test('becomes an artifact, for which each object is read once', async () => {
    await server.createBucket('first', { 'b/c.txt': 'c', 'a.txt': 'a', 'folder/': '' });
    reads();
    const { paths, objects, revision, listing } = await make('first');
    assert.deepEqual(paths, ['a.txt', 'b/c.txt']);
    assert.equal(objects, 2);
    assert.equal(revision, listing.revision);
    assert.deepEqual(reads(), ['/first/a.txt', '/first/b/c.txt']);
    assert.deepEqual(await fetcher.leftovers(), []);
  });

  test('that is empty becomes an artifact without files', async () => {
    await server.createBucket('empty');
    const { paths, revision } = await make('empty');
    assert.deepEqual([paths, revision], [[], EMPTY]);
  });

  test('that changed has only its changed objects fetched', async () => {
    const files = Array.from({ length: 60 }, (_, index) => [`d/${index}.txt`, `${index}`]);
    const bucket = await server.createBucket('changing', Object.fromEntries(files));
    const before = await make('changing');
    reads();
    await bucket.put({ 'd/7.txt': 'seven', 'd/new.txt': 'new' });
    await bucket.remove('d/8.txt');
    const after = await make('changing');
    assert.deepEqual(reads(), ['/changing/d/7.txt', '/changing/d/new.txt']);
    assert.equal(after.objects, 60);
    assert.notEqual(after.revision, before.revision);
    const fileIndex = await fetcher.artifacts.fileIndex(after.digest);
    const old = await fetcher.artifacts.fileIndex(before.digest);
    assert.equal(fileIndex['d/9.txt'], old['d/9.txt']);
    assert.notEqual(fileIndex['d/7.txt'], old['d/7.txt']);
    assert.equal(fileIndex['d/8.txt'], undefined);

    await bucket.put({ 'd/7.txt': '7', 'd/8.txt': '8' });
    await bucket.remove('d/new.txt');
    const again = await make('changing');
    assert.equal(again.digest, before.digest, 'the same contents are the same bytes');
  });

  test('is known again after a start, from its list alone', async () => {
    const bucket = await server.createBucket('known', { 'a.txt': 'a', 'b.txt': 'b' });
    const first = await make('known');
    const other = wanted('known', {
      prefix: '',
      remote: { ...wanted('known').remote, key: 'new' },
    });
    const listing = await fetcher.list(other);
    assert.equal(listing.revision, first.revision);
    fetcher.remember(other, listing, first.digest);
    await bucket.put({ 'b.txt': 'bb' });
    reads();
    await fetcher.store(other, await fetcher.list(other));
    assert.deepEqual(reads(), ['/known/b.txt']);
  });

  test('is fetched whole where the artifact before is gone', async () => {
    const bucket = await server.createBucket('lost', { 'a.txt': 'a', 'b.txt': 'b' });
    const { digest } = await make('lost');
    await fetcher.artifacts.remove(digest);
    await bucket.put({ 'b.txt': 'bb' });
    reads();
    assert.equal((await make('lost')).paths.length, 2);
    assert.equal(reads().length, 2);
  });

  test('is listed once for all that ask at the same time', async () => {
    await server.createBucket('shared', { 'a.txt': 'a' });
    await fetcher.list(wanted('shared'));
    server.front.clear();
    const listings = await Promise.all(
      Array.from({ length: 20 }, () => fetcher.list(wanted('shared'))),
    );
    const snapshots = await Promise.all(
      listings.map((listing) => fetcher.store(wanted('shared'), listing)),
    );
    const requests = server.front.requests();
    const lists = requests.filter(({ path }) => path.includes('list-type'));
    assert.ok(lists.length <= 2, `${lists.length} lists`);
    assert.equal(requests.length - lists.length, 1, 'one object was read');
    assert.equal(new Set(snapshots.map(({ digest }) => digest)).size, 1);
  });

  describe('with rules', () => {
    before(async () => {
      await server.createBucket('rules', {
        '.sourceignore': '*.txt\n',
        'a.txt': 'a',
        'b.yaml': 'b',
        '.git/config': 'git',
        'dir/.sourceignore': 'c.yaml\n',
        'dir/c.yaml': 'c',
        'dir/d.txt': 'd',
        'img.png': 'png',
      });
    });

    test('leaves out what those at its root say, and nothing by itself', async () => {
      const { paths, objects } = await make('rules');
      assert.deepEqual(paths, [
        '.git/config',
        '.sourceignore',
        'b.yaml',
        'dir/.sourceignore',
        'dir/c.yaml',
        'img.png',
      ]);
      assert.equal(objects, 5);
    });

    test('reads them once while they are the same', async () => {
      await fetcher.list(wanted('rules'));
      reads();
      await fetcher.list(wanted('rules'));
      assert.deepEqual(reads(), []);
    });

    test('has those of the root under a prefix, and spec.ignore after them', async () => {
      const { paths } = await make('rules', { prefix: 'dir/', ignore: '!d.txt\nc.yaml\n' });
      assert.deepEqual(paths, ['.sourceignore', 'dir/.sourceignore', 'dir/d.txt']);
    });
  });

  describe('of which something goes wrong meanwhile', () => {
    test('has an object left out that vanished after the list', async () => {
      const bucket = await server.createBucket('vanishing', { 'a.txt': 'a', 'b.txt': 'b' });
      const what = wanted('vanishing');
      const listing = await fetcher.list(what);
      await bucket.remove('b.txt');
      const snapshot = await fetcher.store(what, listing);
      assert.equal(snapshot.objects, 1);
      assert.equal(snapshot.revision, (await fetcher.list(what)).revision);
    });

    test('has an object as it is by now, and the revision says so', async () => {
      const bucket = await server.createBucket('moving', { 'a.txt': 'a', 'b.txt': 'b' });
      const what = wanted('moving');
      const listing = await fetcher.list(what);
      await bucket.put({ 'b.txt': 'changed' });
      const snapshot = await fetcher.store(what, listing);
      assert.notEqual(snapshot.revision, listing.revision);
      assert.equal(snapshot.revision, (await fetcher.list(what)).revision);
    });

    test('fails with the object that cannot be read', async () => {
      await server.createBucket('refused', { 'a.txt': 'a', 'secret.txt': 's' });
      server.front.intercept((request, response) => {
        if (!request.url?.includes('secret.txt')) return false;
        response
          .writeHead(403)
          .end('<Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>');
        return true;
      });
      await assert.rejects(make('refused'), {
        reason: 'BucketOperationFailed',
        condition: 'FetchFailed',
        message:
          "fetch from bucket 'refused' failed: failed to get 'secret.txt' object: Access Denied.",
      });
      server.front.intercept(undefined);
      assert.deepEqual(await fetcher.leftovers(), []);
    });

    test('fails when its objects are larger than allowed, before anything is fetched', async () => {
      await server.createBucket('large', { 'a.txt': 'a', 'big.bin': 'x'.repeat(1_000_000) });
      reads();
      await assert.rejects(make('large'), {
        reason: 'ArchiveOperationFailed',
        condition: 'StorageOperationFailed',
        message:
          /have 1000001 bytes, of 1000000 at most \(--artifact-max-bytes\), and the largest is 'big\.bin'/,
      });
      assert.deepEqual(reads(), []);
    });

    test('fails when the object store does not answer in time', async () => {
      await server.createBucket('slow', { 'a.txt': 'a' });
      server.front.intercept(() => true);
      await assert.rejects(fetcher.list(wanted('slow', { timeoutMs: 300 })), {
        reason: 'BucketOperationFailed',
        message:
          "failed to confirm existence of 'slow' bucket: no answer within 0.3s (spec.timeout)",
      });
      server.front.intercept(undefined);
      assert.equal(
        (await fetcher.list(wanted('slow'))).objects.length,
        1,
        'and goes on afterwards',
      );
    });
  });
});
