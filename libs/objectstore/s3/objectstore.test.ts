// A bucket of a real server.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { S3_KEYS, S3_REGION, type S3Server, startForwardProxy, startS3Server } from '@weir/cluster';
import { type BucketOptions, type ListedObject, ObjectStoreError, openBucket } from '../index.ts';

const credentials = { accessKeyId: S3_KEYS.accesskey, secretAccessKey: S3_KEYS.secretkey };
const signal = AbortSignal.timeout(60_000);

describe('a bucket', () => {
  let server: S3Server;
  before(async () => {
    server = await startS3Server();
    await server.createBucket('first', { 'a.txt': 'a', 'dir/b.txt': 'bb', 'dir/c.txt': '' });
  });
  after(() => server?.close());

  function open(options: Partial<BucketOptions> = {}) {
    const { endpoint } = server;
    const shared = { endpoint, bucket: 'first', insecure: true, allowLocal: true, credentials };
    return openBucket({ ...shared, ...options });
  }

  async function list(options: Partial<BucketOptions> = {}, prefix = ''): Promise<ListedObject[]> {
    const bucket = open(options);
    const objects = [];
    for await (const page of bucket.list(prefix, { signal })) objects.push(...page);
    bucket.close();
    return objects;
  }

  async function failure(options: Partial<BucketOptions>): Promise<string> {
    const error = await list(options).catch((cause: unknown) => cause);
    assert.ok(error instanceof ObjectStoreError, String(error));
    return `${error.reason}: ${error.message}`;
  }

  test('is listed, and read by the ETag of the list', async () => {
    const objects = await list();
    assert.deepEqual(
      objects.map(({ key, size }) => [key, size]),
      [
        ['a.txt', 1],
        ['dir/b.txt', 2],
        ['dir/c.txt', 0],
      ],
    );
    assert.equal(objects[0]?.etag, '0cc175b9c0f1b6a831c399e269772661', 'the MD5 of the content');
    const bucket = open();
    const object = await bucket.read('dir/b.txt', { signal, etag: objects[1]?.etag ?? '' });
    let content = '';
    for await (const chunk of object.content) content += Buffer.from(chunk).toString();
    assert.deepEqual([content, object.size, object.etag], ['bb', 2, objects[1]?.etag]);
    await assert.rejects(bucket.read('a.txt', { signal, etag: 'other' }), {
      reason: 'ObjectChanged',
    });
    await assert.rejects(bucket.read('none', { signal }), {
      reason: 'ObjectMissing',
      message: 'The specified key does not exist.',
    });
    bucket.close();
  });

  test('is listed under a prefix, and asked for its region once', async () => {
    server.front.clear();
    const bucket = open();
    for (let round = 0; round < 2; round++) {
      const pages = [];
      for await (const page of bucket.list('dir/', { signal })) pages.push(page);
      assert.deepEqual(
        pages.flat().map(({ key }) => key),
        ['dir/b.txt', 'dir/c.txt'],
      );
    }
    bucket.close();
    const asked = server.front.requests().map(({ path }) => path.replace(/.*\?/, ''));
    assert.deepEqual(
      asked.map((query) => (query.startsWith('location') ? 'location' : 'list')),
      ['location', 'list', 'list'],
    );
    server.front.clear();
    await list({ region: S3_REGION });
    assert.equal(server.front.requests().length, 1);
  });

  test('of more than a thousand objects is listed in pages', async () => {
    const entries = Array.from({ length: 1_010 }, (_, index) => [`k${index}`, `${index}`]);
    await server.createBucket('pages', Object.fromEntries(entries));
    server.front.clear();
    assert.equal((await list({ bucket: 'pages', region: S3_REGION })).length, 1_010);
    assert.equal(server.front.requests().length, 2);
  });

  test('has keys with all kinds of characters', async () => {
    const keys = ['with space', 'ünï', 'plus+sign', 'per%20cent', "star*'()!", 'a=b&c', '#?'];
    await server.createBucket('odd', Object.fromEntries(keys.map((key) => [key, key])));
    const objects = await list({ bucket: 'odd' });
    assert.deepEqual(objects.map(({ key }) => key).sort(), [...keys].sort());
    const bucket = open({ bucket: 'odd' });
    await bucket.read('none', { signal }).catch(() => undefined);
    server.front.clear();
    for (const key of keys) {
      const { content } = await bucket.read(key, { signal });
      for await (const chunk of content) assert.equal(Buffer.from(chunk).toString(), key);
    }
    bucket.close();
    assert.equal(server.front.requests().length, keys.length, 'each is right at the first attempt');
  });

  const refusals: [string, Partial<BucketOptions>, RegExp][] = [
    ['no such bucket', { bucket: 'nope' }, /^BucketMissing: The specified bucket does not exist$/],
    [
      'another secret',
      { credentials: { ...credentials, secretAccessKey: 'wrong' } },
      /^Refused: The request signature we calculated does not match/,
    ],
    [
      'another key',
      { credentials: { ...credentials, accessKeyId: 'wrong' } },
      /^Refused: No user exists with the provided access key ID\.$/,
    ],
    ['nobody', { credentials: undefined }, /^Refused: Access Denied\.$/],
    [
      'another region',
      { region: 'eu-west-1' },
      /^Refused: .*the region "eu-west-1" is wrong; expecting "us-east-1"$/,
    ],
    [
      'TLS where there is none',
      { insecure: false },
      /^Unreachable: Get "https:\/\/[^"]+\/first\/\?location=": http: server gave HTTP response to HTTPS client$/,
    ],
    ['nobody there', { endpoint: '127.0.0.1:1' }, /^Unreachable: Get "http:.*ECONNREFUSED/],
    ['this machine', { allowLocal: false }, /^Unreachable: .*is a loopback address, which is/],
  ];
  for (const [what, options, message] of refusals) {
    test(`is refused: ${what}`, async () => assert.match(await failure(options), message));
  }

  test('is read through a proxy', async (t) => {
    const proxy = await startForwardProxy();
    t.after(() => proxy.close());
    const address = new URL(proxy.url);
    address.username = 'ann';
    address.password = 'pass';
    assert.equal((await list({ proxy: address.href })).length, 3);
    const [asked] = proxy.requests();
    assert.match(asked?.target ?? '', /^GET http:\/\/.*\/first\/\?location/);
    assert.equal(asked?.authorization, `Basic ${Buffer.from('ann:pass').toString('base64')}`);
  });

  test('is read over TLS with the authority of the server, and with no other', async (t) => {
    const secure = await startS3Server({ tls: true });
    t.after(() => secure.close());
    await secure.createBucket('first', { 'a.txt': 'a' });
    const { endpoint, ca } = secure;
    const options = { endpoint, insecure: false };
    assert.equal((await list({ ...options, tls: { ca } })).length, 1);
    assert.match(await failure(options), /^Unreachable: Get "https:.*certificate/);
    assert.throws(
      () => open({ ...options, tls: { ca: 'none' } }),
      /the certificates can't be used/,
    );
    await secure.close();
  });
});

test('a process that opens no bucket loads no SDK', async () => {
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({
      load(url, context, next) {
        if (url.includes('@aws-sdk')) loaded.push(url);
        return next(url, context);
      },
    });
    const { openBucket } = await import(${JSON.stringify(new URL('../index.ts', import.meta.url).href)});
    const bucket = openBucket({ endpoint: '127.0.0.1:1', bucket: 'bucket', insecure: true });
    process.stdout.write(String(loaded.length) + "\\n");
    await bucket.list('', { signal: AbortSignal.abort() }).next().catch(() => undefined);
    process.stdout.write(String(loaded.length > 0) + "\\n");
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  await once(child, 'close');
  assert.equal(output, '0\ntrue\n');
});
