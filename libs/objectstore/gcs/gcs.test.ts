// A bucket of a server that speaks the documented JSON API of Google Cloud Storage.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { startForwardProxy } from '@weir/cluster';
import { type GcsOptions, type ListedObject, openGcsBucket } from '../index.ts';
import { accessTo, failure, type GcsServer, startGcsServer } from '../testing/index.ts';

describe('a bucket of Google', () => {
  let server: GcsServer;
  before(async () => {
    server = await startGcsServer();
    server.tokens.set('good', 'list').set('reader', 'read');
  });
  after(() => server?.close());
  beforeEach(() => {
    server.requests.length = 0;
    server.intercept = undefined;
  });

  const { list, read } = accessTo<GcsOptions>((options) => {
    const token = async () => 'good';
    const own = { endpoint: server.url, bucket: 'first', token, allowLocal: true };
    return openGcsBucket({ ...own, ...options });
  });

  test('is listed, and read with one request for each object', async () => {
    server.createBucket('first', { 'a.txt': 'a', 'dir/b.txt': 'bb' });
    const objects = await list();
    assert.deepEqual(
      objects.map(({ key, size }) => [key, size]),
      [
        ['a.txt', 1],
        ['dir/b.txt', 2],
      ],
    );
    const { etag = '', version = '' } = objects[1] ?? {};
    assert.deepEqual(await read('dir/b.txt', { etag, version }), { text: 'bb', etag });
    assert.equal(server.requests.length, 2);
    assert.deepEqual(
      (await list({}, 'dir/')).map(({ key }) => key),
      ['dir/b.txt'],
    );
    assert.deepEqual(await read('dir/b.txt'), { text: 'bb', etag }, 'without the list too');
  });

  test('has objects that changed or are gone meanwhile', async () => {
    const bucket = server.createBucket('first', { 'a.txt': 'a', 'b.txt': 'b' });
    const [first, second] = await list();
    const stateOf = ({ etag = '', version = '' }: Partial<ListedObject> = {}) => ({
      etag,
      version,
    });
    bucket.put({ 'a.txt': 'other' });
    bucket.remove('b.txt');
    assert.match(await failure(read('a.txt', stateOf(first))), /^ObjectChanged/);
    assert.match(await failure(read('b.txt', stateOf(second))), /^ObjectMissing: No such object/);
    assert.equal((await read('a.txt')).text, 'other');
  });

  test('of more than a thousand objects is listed in pages, and with odd names', async () => {
    const entries = Array.from({ length: 2_010 }, (_, index) => [`k${index}`, '']);
    server.createBucket('first', Object.fromEntries(entries));
    assert.equal((await list()).length, 2_010);
    assert.equal(server.requests.length, 3);
    const keys = ['with space', 'ünï', 'per%20cent', "star*'()!", 'a=b&c', '#?', '../up', 'a//b'];
    server.createBucket('first', Object.fromEntries(keys.map((key) => [key, key])));
    assert.deepEqual((await list()).map(({ key }) => key).sort(), [...keys].sort());
    for (const key of keys) assert.equal((await read(key)).text, key);
    server.createBucket('first');
    assert.deepEqual(await list(), []);
  });

  const by = (token: string) => ({ token: async () => token });
  const refusals: [string, Partial<GcsOptions>, RegExp][] = [
    ['no such bucket', { bucket: 'nope' }, /^BucketMissing: The specified bucket does not exist/],
    [
      'no right to list',
      by('reader'),
      /^Refused: reader@.* does not have storage\.objects\.list access/,
    ],
    ['another token', by('other'), /^Refused: Invalid Credentials$/],
    ['nobody', { token: undefined }, /^Refused: Invalid Credentials$/],
    ['nobody there', { endpoint: 'http://127.0.0.1:1' }, /^Unreachable: Get "http:.*refused/],
    ['this machine', { allowLocal: false }, /^Unreachable: .*is a loopback address/],
  ];
  for (const [what, options, message] of refusals) {
    test(`is refused: ${what}`, async () => {
      server.createBucket('first');
      assert.match(await failure(list(options)), message);
    });
  }

  test('is not opened under what is no name, nor where a token could be read on the way', () => {
    for (const bucket of ['..', 'a', 'UPPER', 'a/../b', 'a?b', 'a..b']) {
      assert.throws(() => openGcsBucket({ bucket }), { reason: 'InvalidBucketName' });
    }
    for (const endpoint of ['http://storage.example', 'storage', 'https://a.example/path']) {
      assert.throws(() => openGcsBucket({ bucket: 'first', endpoint }), {
        reason: 'InvalidConfiguration',
      });
    }
  });

  test('is read through a proxy', async (t) => {
    const proxy = await startForwardProxy();
    t.after(() => proxy.close());
    server.createBucket('first', { 'a.txt': 'a' });
    assert.equal((await list({ proxy: proxy.url })).length, 1);
    assert.equal(proxy.requests().length, 1);
  });

  type Answer = (response: import('node:http').ServerResponse) => void;
  const page = (item: object, token?: string) =>
    JSON.stringify({ kind: 'storage#objects', items: [item], nextPageToken: token });
  const hostile: [string, Answer, RegExp][] = [
    [
      'that is no object store',
      (it) => it.end('<html>internal-secret'),
      /^InvalidAnswer.*HTTP status 200/,
    ],
    ['that is other JSON', (it) => it.end('{"internal-secret":1}'), /did not answer with a list/],
    [
      'that is an error of another API',
      (it) => it.writeHead(404).end('{"error":"internal-secret"}'),
      /HTTP status 404 and nothing that Google/,
    ],
    ['with objects that are none', (it) => it.end(page({ name: 1 })), /has no name or generation/],
    [
      'with a name of 4 kB',
      (it) => it.end(page({ name: 'k'.repeat(4096), generation: '1' })),
      /has 4096 bytes/,
    ],
    [
      'with an ETag of two lines',
      (it) => it.end(page({ name: 'a', generation: '1', etag: 'a\nb' })),
      /the ETag of the object 'a'/,
    ],
    [
      'with the same token again',
      (it) => it.end(page({ name: 'a', generation: '1' }, 'same')),
      /does not end/,
    ],
  ];
  for (const [what, answer, message] of hostile) {
    test(`an answer ${what}`, async () => {
      server.intercept = (_, response) => {
        answer(response);
        return true;
      };
      const text = await failure(list());
      assert.match(text, message);
      assert.ok(!text.includes('internal-secret'), text);
    });
  }
});
