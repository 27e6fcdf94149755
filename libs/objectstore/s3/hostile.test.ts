// What a server could do to a client that lists and reads one of its buckets.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { type BucketOptions, type ListLimits, ObjectStoreError, openBucket } from '../index.ts';
import { errorAnswer, listPage, type Script, startScripted } from '../testing/scripted.ts';

const KEYS = { accessKeyId: 'key-of-a-tenant', secretAccessKey: 'secret-of-a-tenant' };
const WAIT_MS = 10_000;

/** Lists a bucket of a server with this script, and reads `key` if it is given. */
async function use(
  script: Script,
  options: {
    bucket?: Partial<BucketOptions>;
    limits?: Partial<ListLimits>;
    key?: string;
    timeoutMs?: number;
  } = {},
) {
  const server = await startScripted(script);
  const { endpoint } = server;
  const signal = AbortSignal.timeout(options.timeoutMs ?? WAIT_MS);
  const bucket = openBucket({
    ...{ endpoint, bucket: 'bucket', region: 'us-east-1', insecure: true, allowLocal: true },
    credentials: KEYS,
    ...options.bucket,
  });
  const objects = [];
  let content = '';
  let failure: ObjectStoreError | undefined;
  try {
    const { limits = {}, key } = options;
    if (key === undefined) {
      for await (const page of bucket.list('', { signal, limits })) objects.push(...page);
    } else {
      const object = await bucket.read(key, { signal, etag: 'e' });
      for await (const chunk of object.content) content += Buffer.from(chunk).toString();
    }
  } catch (error) {
    assert.ok(error instanceof ObjectStoreError, String(error));
    failure = error;
  } finally {
    bucket.close();
    await server.close();
  }
  return { objects, content, failure, requests: server.requests };
}

describe('a list', () => {
  let count = 0;
  after(() => assert.ok(count > 0));

  test('without an end stops at the bound, and says what to do', async () => {
    const { failure } = await use(
      (_, response) => {
        const first = count++ * 100;
        const page = Array.from({ length: 100 }, (_, index) => ({ key: `k${first + index}` }));
        response.end(listPage(page, `token-${count}`));
      },
      { limits: { maxObjects: 1_000 } },
    );
    assert.equal(failure?.reason, 'LimitExceeded');
    assert.match(failure?.message ?? '', /more than 1000 objects.*with a prefix$/);
  });

  test('of long keys stops at the bound of their bytes', async () => {
    const { failure } = await use(
      (_, response) => response.end(listPage([{ key: 'k'.repeat(1000) }], `t-${Math.random()}`)),
      { limits: { maxKeyBytes: 10_000 } },
    );
    assert.equal(failure?.reason, 'LimitExceeded');
  });

  test('that gives the same token again, or pages without objects, does not end', async () => {
    const same = await use((_, response) => response.end(listPage([{ key: 'a' }], 'same')));
    assert.equal(same.failure?.reason, 'InvalidAnswer');
    assert.equal(same.requests.length, 2);
    let token = 0;
    const empty = await use((_, response) => response.end(listPage([], `t${token++}`)));
    assert.match(empty.failure?.message ?? '', /does not end/);
    assert.ok(empty.requests.length < 110);
  });

  test('that is one page of hundreds of megabytes is cut off', async () => {
    let written = 0;
    const { failure } = await use((_, response) => {
      const chunk = Buffer.alloc(1024 ** 2, 'x');
      response.on('error', () => undefined);
      const write = (): void => {
        written += chunk.length;
        if (written < 300 * 1024 ** 2 && !response.destroyed) response.write(chunk, write);
      };
      write();
    });
    assert.equal(failure?.reason, 'InvalidAnswer');
    assert.match(failure?.message ?? '', /more than 8388608 bytes/);
    assert.ok(written < 100 * 1024 ** 2, `${written} bytes were taken`);
  });

  test('of elements inside each other does not end the process', async () => {
    const depth = 500_000;
    const { failure, objects } = await use((_, response) =>
      response.end(
        `<ListBucketResult>${'<a>'.repeat(depth)}${'</a>'.repeat(depth)}</ListBucketResult>`,
      ),
    );
    assert.ok(failure);
    assert.equal(objects.length, 0);
  });

  for (const [what, object, message] of [
    [
      'a key of 4 kB',
      { key: 'k'.repeat(4096) },
      /^the key 'k{300}…' has 4096 bytes, of 1024 at most$/,
    ],
    ['an ETag of two lines', { key: 'a', etag: 'e\nx-evil: 1' }, /the ETag of the object 'a'/],
    ['an ETag of 4 kB', { key: 'a', etag: 'e'.repeat(4096) }, /the ETag of the object 'a'/],
  ] as const) {
    test(`with ${what} is refused`, async () => {
      const { failure } = await use((_, response) => response.end(listPage([object])));
      assert.equal(failure?.reason, 'InvalidAnswer');
      assert.match(failure?.message ?? '', message);
    });
  }

  test('keeps the keys as they are, those with dots and those with a NUL among them', async () => {
    const keys = ['../../etc/passwd', '/absolute', 'nul\0byte', 'a//b', '.', 'plus+ and space'];
    const { objects } = await use((_, response) =>
      response.end(listPage(keys.map((key) => ({ key, size: 'many' })))),
    );
    assert.deepEqual(
      objects.map(({ key }) => key),
      keys,
    );
    assert.deepEqual(new Set(objects.map(({ size }) => size)), new Set([0]));
  });
});

describe('an answer', () => {
  test('that is no S3 is not quoted', async () => {
    for (const [status, body] of [
      [500, '<html><body>token: internal-secret</body></html>'],
      [403, 'internal-secret'],
      [200, '{"internal-secret": true}'],
    ] as const) {
      const { failure, objects } = await use((_, response) => response.writeHead(status).end(body));
      assert.equal(objects.length, 0);
      assert.ok(failure, 'it is no empty bucket');
      assert.doesNotMatch(failure.message, /internal-secret/);
      if (status !== 200) assert.match(failure.message, new RegExp(`HTTP status ${status}`));
    }
  });

  test('has its message shortened', async () => {
    const text = `no${' very long'.repeat(1_000)}`;
    const { failure } = await use((_, response) =>
      response.writeHead(403).end(errorAnswer('AccessDenied', text)),
    );
    assert.equal(failure?.reason, 'Refused');
    assert.ok((failure?.message.length ?? 0) < 400);
  });

  test('that sends elsewhere is not followed', async () => {
    const other = await startScripted((_, response) => response.end(listPage([{ key: 'stolen' }])));
    const { failure, objects } = await use((url, response) =>
      response.writeHead(307, { location: `http://${other.endpoint}${url.pathname}` }).end(),
    );
    assert.equal(other.requests.length, 0);
    assert.equal(objects.length, 0);
    assert.ok(failure);
    await other.close();
  });

  test('that never comes ends with the time limit', async () => {
    const { failure } = await use(() => undefined, { timeoutMs: 200 });
    assert.equal(failure?.reason, 'Aborted');
  });
});

describe('an object', () => {
  test('whose content never ends to come ends with the time limit', async () => {
    const { failure } = await use((_, response) => response.write('a'), {
      key: 'a',
      timeoutMs: 200,
    });
    assert.equal(failure?.reason, 'Aborted');
  });

  test('that ends too early is a failure', async () => {
    const { failure } = await use(
      (_, response) => {
        response.writeHead(200, { 'content-length': 100 }).write('half');
        setImmediate(() => response.destroy());
      },
      { key: 'a' },
    );
    assert.equal(failure?.reason, 'Unreachable');
  });

  test('is missing only if the object store says so', async () => {
    const answers = [
      ['<html>not found</html>', 'InvalidAnswer'],
      ['', 'InvalidAnswer'],
      [errorAnswer('NoSuchKey', 'gone'), 'ObjectMissing'],
    ] as const;
    for (const [body, reason] of answers) {
      const { failure } = await use((_, response) => response.writeHead(404).end(body), {
        key: 'a',
      });
      assert.equal(failure?.reason, reason, body);
    }
  });

  test('is asked for by its key as it is', async () => {
    const { requests, content } = await use((_, response) => response.end('content'), {
      key: '../other-bucket/a b',
    });
    assert.equal(requests[0]?.url?.split('?')[0], '/bucket/../other-bucket/a%20b');
    assert.equal(requests[0]?.headers['if-match'], '"e"');
    assert.equal(content, 'content');
  });
});

test('no secret key leaves the process, and without credentials nothing is signed', async () => {
  const signed = await use((_, response) => response.end(listPage([])));
  assert.match(
    signed.requests[0]?.headers.authorization ?? '',
    /^AWS4-HMAC-SHA256 Credential=key-of-a/,
  );
  assert.ok(!JSON.stringify(signed.requests[0]?.headers).includes(KEYS.secretAccessKey));
  process.env.AWS_ACCESS_KEY_ID = 'key-of-the-operator';
  process.env.AWS_SECRET_ACCESS_KEY = 'secret-of-the-operator';
  const open = await use((_, response) => response.end(listPage([])), {
    bucket: { credentials: undefined },
  });
  delete process.env.AWS_ACCESS_KEY_ID;
  delete process.env.AWS_SECRET_ACCESS_KEY;
  assert.equal(open.failure, undefined);
  assert.equal(open.requests[0]?.headers.authorization, undefined);
});
