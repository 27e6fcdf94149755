// A container of a server that speaks the documented API of Azure Blob Storage.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { startForwardProxy } from '@weir/cluster';
import {
  type Bucket,
  type ContainerOptions,
  isAzureBlobEndpoint,
  type ObjectStoreError,
  openBlobContainer,
} from '../index.ts';
import {
  ACCOUNT_KEY,
  accessTo,
  type BlobServer,
  failure,
  startBlobServer,
} from '../testing/index.ts';
import { elementOf, elementsOf } from '../xml.ts';

const credentials = { accountKey: ACCOUNT_KEY };

describe('a container', () => {
  let server: BlobServer;
  before(async () => {
    server = await startBlobServer();
  });
  after(() => server?.close());
  beforeEach(() => {
    server.requests.length = 0;
    server.intercept = undefined;
  });

  const own = (options: Partial<ContainerOptions> = {}): ContainerOptions => ({
    ...{ endpoint: server.url, container: 'first', credentials, ...options },
  });
  const { list, read } = accessTo<ContainerOptions>((options) =>
    openBlobContainer({ allowLocal: true, ...own(options) }),
  );

  test('is listed and read with the key of the account', async () => {
    server.createContainer('first', { 'a.txt': 'a', 'dir/b.txt': 'bb' });
    const objects = await list();
    assert.deepEqual(
      objects.map(({ key, size }) => [key, size]),
      [
        ['a.txt', 1],
        ['dir/b.txt', 2],
      ],
    );
    assert.match(objects[0]?.etag ?? '', /^"0x8D[0-9A-F]{13}"$/, 'as in the revisions of Flux');
    const etag = objects[1]?.etag ?? '';
    assert.deepEqual(await read('dir/b.txt', { etag }), { text: 'bb', etag });
    assert.deepEqual(
      (await list({}, 'dir/')).map(({ key }) => key),
      ['dir/b.txt'],
    );
  });

  test('has objects that changed or are gone meanwhile', async () => {
    const container = server.createContainer('first', { 'a.txt': 'a' });
    const [{ etag = '' } = {}] = await list();
    container.put({ 'a.txt': 'other' });
    assert.match(await failure(read('a.txt', { etag })), /^ObjectChanged/);
    assert.equal((await read('a.txt')).text, 'other');
    assert.match(await failure(read('none')), /^ObjectMissing: The specified blob does not exist/);
  });

  test('of more than a thousand objects is listed in pages', async () => {
    const entries = Array.from({ length: 2_010 }, (_, index) => [`k${index}`, '']);
    server.createContainer('first', Object.fromEntries(entries));
    assert.equal((await list()).length, 2_010);
    assert.equal(server.requests.length, 3);
  });

  test('has names with all kinds of characters, and folders that are none of its objects', async () => {
    const keys = ['with space', 'ünï', 'plus+sign', 'per%20cent', "star*'()!", 'a=b&c<d>', '#?'];
    const odd = [...keys, 'bell\u0007', '../up', 'a//b', '中'.repeat(500)];
    const container = server.createContainer('first', Object.fromEntries(odd.map((k) => [k, k])));
    container.put({ folder: '' });
    server.folders.add('folder');
    assert.deepEqual((await list()).map(({ key }) => key).sort(), [...odd].sort());
    for (const key of odd) assert.equal((await read(key)).text, key);
    assert.ok(server.requests.includes('GET /first/..%2Fup'), 'it is no other container');
  });

  test('is read with a signature for it, and no further than that goes', async () => {
    server.createContainer('first', { 'a.txt': 'a' });
    server.createContainer('second', { 'b.txt': 'b' });
    const sas = server.sas('first');
    for (const form of [sas, sas.slice(1)]) {
      assert.equal((await list({ credentials: { sas: form } })).length, 1);
      assert.equal((await read('a.txt', {}, { credentials: { sas: form } })).text, 'a');
    }
    const other = await failure(list({ credentials: { sas }, container: 'second' }));
    assert.match(
      other,
      /^Refused: the specified bucket name may be incorrect, nonexistent, .*: AuthenticationFailed: Server failed/,
    );
    const readOnly = { sas: server.sas('first', { permissions: 'r' }) };
    assert.match(
      await failure(list({ credentials: readOnly })),
      /^Refused: AuthorizationPermissionMismatch: This/,
    );
    const old = { sas: server.sas('first', { expiry: new Date(0) }) };
    const message = await failure(list({ credentials: old }));
    assert.match(message, /AuthenticationFailed/);
    assert.ok(!message.includes('sig='), message);
    const inUrl = { endpoint: `${server.url}/${sas}`, credentials: undefined };
    assert.equal((await list(inUrl)).length, 1, 'a signature in the URL of the endpoint');
  });

  test('is read with tokens, asked for each request', async () => {
    server.createContainer('first', { 'a.txt': 'a' });
    server.tokens.set('good', 'list').set('reader', 'read');
    let asked = 0;
    const by = (token: string) => ({
      credentials: {
        token: async () => {
          asked += 1;
          return token;
        },
      },
    });
    assert.equal((await list(by('good'))).length, 1);
    assert.equal(asked, 1);
    assert.match(await failure(list(by('reader'))), /^Refused: AuthorizationPermissionMismatch/);
    assert.match(await failure(list(by('other'))), /^Refused: InvalidAuthenticationInfo/);
    const none = {
      credentials: {
        token: async (): Promise<string> => {
          throw new Error('there is no token');
        },
      },
    };
    assert.match(await failure(list(none)), /^Refused: there is no token$/);
  });

  const refusals: [string, Partial<ContainerOptions>, RegExp][] = [
    [
      'no such container',
      { container: 'nope' },
      /^BucketMissing: The specified container does not exist/,
    ],
    [
      'another key',
      { credentials: { accountKey: Buffer.from('other').toString('base64') } },
      /^Refused: the specified bucket name may be .*AuthenticationFailed: Server failed to authenticate[^\n]*$/,
    ],
    ['nobody', { credentials: undefined }, /^Refused: ResourceNotFound: The specified resource/],
    [
      'nobody there',
      { endpoint: 'http://127.0.0.1:1' },
      /^Unreachable: Get "http:\/\/127\.0\.0\.1:1\/first": .*refused/,
    ],
    ['this machine', { allowLocal: false }, /^Unreachable: .*is a loopback address, which is/],
  ];
  for (const [what, options, message] of refusals) {
    test(`is refused: ${what}`, async () => {
      server.createContainer('first');
      assert.match(await failure(list(options)), message);
    });
  }

  test('is not opened at what is no URL, under what is no name, or with a token in the open', () => {
    const open = (options: Partial<ContainerOptions>) => () => openBlobContainer(own(options));
    for (const endpoint of ['account', 'ftp://a.b.c', 'https://user:s3cret@a.b.c']) {
      assert.throws(open({ endpoint }), (error: ObjectStoreError) => {
        assert.equal(error.reason, 'InvalidConfiguration');
        return !error.message.includes('s3cret');
      });
    }
    for (const container of ['..', 'a', 'UPPER', 'a/../b', 'a?b', 'a'.repeat(64), 'a--b']) {
      assert.throws(open({ container }), { reason: 'InvalidBucketName' });
    }
    const token = async () => 'token';
    assert.throws(open({ endpoint: 'http://a.b.example', credentials: { token } }), /non TLS/);
    assert.throws(open({ endpoint: 'https://host' }), /expected 'host' to be a subdomain/);
    assert.throws(open({ credentials: { accountKey: 'no base64!' } }), /is no base64/);
  });

  test('is read through a proxy, and over TLS with its authority', async (t) => {
    const proxy = await startForwardProxy();
    t.after(() => proxy.close());
    server.createContainer('first', { 'a.txt': 'a' });
    assert.equal((await list({ proxy: proxy.url })).length, 1);
    assert.equal(proxy.requests().length, 1);
    const secure = await startBlobServer({ tls: true });
    t.after(() => secure.close());
    secure.createContainer('first', { 'a.txt': 'a' });
    const { url: endpoint, ca } = secure;
    assert.equal((await list({ endpoint, tls: { ca } })).length, 1);
    assert.match(await failure(list({ endpoint })), /^Unreachable: .*certificate/);
  });

  test('is asked again where that may help', async () => {
    server.createContainer('first', { 'a.txt': 'a' });
    let failures = 2;
    server.intercept = (_, response) => {
      if (failures-- <= 0) return false;
      response.writeHead(503, { 'x-ms-error-code': 'ServerBusy' }).end();
      return true;
    };
    assert.equal((await list()).length, 1);
    assert.equal(server.requests.length, 3);
    failures = 10;
    assert.match(await failure(list()), /^Refused: ServerBusy/);
  });
});

describe('a server that is hostile', () => {
  const answers: [string, (response: import('node:http').ServerResponse) => void, RegExp][] = [
    [
      'that is no object store',
      (it) => it.end('<html>internal-secret'),
      /^InvalidAnswer: .*did not answer with a list/,
    ],
    [
      'with an error of its own',
      (it) => it.writeHead(500).end('internal-secret'),
      /HTTP status 500/,
    ],
    ['that never ends', (it) => void write(it), /more than 8388608 bytes/],
    [
      'with blobs that have no end',
      (it) => it.end(`<EnumerationResults>${'<Blob>'.repeat(1_000_000)}</EnumerationResults>`),
      /did not answer with a list/,
    ],
    [
      'that sends elsewhere',
      (it) => it.writeHead(307, { location: '/other' }).end(),
      /HTTP status 307/,
    ],
    [
      'with a name of 4 kB',
      (it) => it.end(page('k'.repeat(4096))),
      /^InvalidAnswer: the key 'k{300}…' has 4096 characters, of 1024 at most$/,
    ],
    [
      'with an ETag of two lines',
      (it) => it.end(page('a', 'e\nx: 1')),
      /the ETag of the object 'a'/,
    ],
    ['with the same marker again', (it) => it.end(page('a', 'e', 'same')), /does not end/],
  ];
  for (const [what, answer, message] of answers) {
    test(what, async (t) => {
      const server = await startBlobServer();
      t.after(() => server.close());
      server.intercept = (_, response) => {
        answer(response);
        return true;
      };
      const { list } = accessTo<ContainerOptions>(() => openFirst(server));
      const refusal = await failure(list());
      assert.match(refusal, message);
      assert.ok(!refusal.includes('internal-secret'));
      assert.ok(server.requests.length <= 3);
    });
  }

  test('that hangs ends with the time limit', async (t) => {
    const server = await startBlobServer();
    t.after(() => server.close());
    server.intercept = () => true;
    const soon = AbortSignal.timeout(200);
    const bucket = openFirst(server);
    t.after(() => bucket.close());
    await assert.rejects(bucket.read('a', { signal: soon }), { reason: 'Aborted' });
  });

  function openFirst({ url }: BlobServer): Bucket {
    return openBlobContainer({ endpoint: url, container: 'first', credentials, allowLocal: true });
  }

  function page(name: string, etag = 'e', marker = ''): string {
    return `<EnumerationResults><Blobs><Blob><Name>${name}</Name><Properties><Etag>${etag}</Etag></Properties></Blob></Blobs><NextMarker>${marker}</NextMarker></EnumerationResults>`;
  }

  function write(response: import('node:http').ServerResponse): void {
    response.on('error', () => undefined);
    const chunk = Buffer.alloc(1024 ** 2, 'x');
    const more = (): void => {
      if (!response.destroyed) response.write(chunk, more);
    };
    more();
  }
});

test('elements are found, with the characters that stand for others', () => {
  assert.deepEqual(elementsOf('<B>1</B><B>2</B>', 'B'), ['1', '2']);
  assert.equal(elementsOf('<B>1</B><B>2', 'B'), undefined);
  const { text, attributes } = elementOf('<N a="b">&lt;&#65;&#x42;&amp;&nope;</N>', 'N') ?? {};
  assert.deepEqual([text, attributes], ['<AB&&nope;', ' a="b"']);
  assert.equal(elementOf('<N>', 'N'), undefined);
});

test('hosts of Azure are known', () => {
  for (const url of [
    'https://account.blob.core.windows.net',
    'https://account.blob.core.windows.net/?sv=1',
    'https://account.z12.blob.storage.azure.net/',
    'https://account.blob.core.usgovcloudapi.net',
  ]) {
    assert.ok(isAzureBlobEndpoint(url), url);
  }
  for (const url of [
    'http://account.blob.core.windows.net',
    'https://account.blob.core.windows.net:8443',
    'https://account.blob.core.windows.net.evil.example',
    'https://evil.example/account.blob.core.windows.net',
    'https://account.blob.core.windows.net@evil.example',
    'https://blob.core.windows.net',
  ]) {
    assert.ok(!isAzureBlobEndpoint(url), url);
  }
});
