import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { BusUnavailable } from '@weir/bus';
import { createCache } from './cache.ts';
import { digestOf } from './digest.ts';
import { ArtifactMissing } from './errors.ts';
import { type FetchOptions, fetchArtifact } from './fetch.ts';
import { artifactPath } from './path.ts';
import { serveArtifacts } from './server.ts';
import { createDiskStore } from './testing/disk-store.ts';
import { packInMemory, putArtifact } from './testing/pack.ts';

const options: FetchOptions = {
  timeoutMs: 5_000,
  maxBytes: 1024 ** 2,
  signal: new AbortController().signal,
  addresses: { allowLocal: true },
};

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'weir-fetch-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** A server on this machine; its URL without a slash at its end. */
async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function setup(t: TestContext) {
  const source = createDiskStore(await folder(t));
  const packed = await packInMemory([
    { path: 'a.yaml', mode: 0o644, content: Buffer.from('kind: A') },
  ]);
  await putArtifact(source, packed);
  const server = await serveArtifacts(source, { port: 0, host: '127.0.0.1' });
  t.after(() => server.close().catch(() => undefined));
  const path = artifactPath('GitRepository', 'ns', 'app', packed.digest);
  const artifact = { url: `${server.url}/${path}`, digest: packed.digest, size: packed.size };
  return { source, packed, server, artifact };
}

it('is checked, and kept on the local disk', async (t) => {
  const { packed, server, artifact } = await setup(t);
  const store = createDiskStore(await folder(t));
  const { file, fileIndex } = await fetchArtifact(store, artifact, options);
  assert.ok((await readFile(file)).equals(packed.bytes));
  assert.deepEqual({ ...(await fileIndex()) }, { ...packed.fileIndex });
  await server.close();
  assert.equal((await fetchArtifact(store, artifact, options)).file, file);
});

it('prefers the store, and goes to the URL when the store has nothing or is away', async (t) => {
  const { source, packed, artifact } = await setup(t);
  const stored = await fetchArtifact(source, { ...artifact, url: 'http://127.0.0.1:1/' }, options);
  assert.equal(stored.file, await source.file(packed.digest));
  for (const failure of [new ArtifactMissing(packed.digest), new BusUnavailable()]) {
    const own = createDiskStore(await folder(t));
    const store = { ...own, file: () => Promise.reject(failure) };
    const fetched = await fetchArtifact(store, artifact, options);
    assert.ok((await readFile(fetched.file)).equals(packed.bytes));
  }
});

it('refuses wrong content, too much of it, and servers that fail', async (t) => {
  const { packed } = await setup(t);
  let answer: { status: number; body: Buffer | undefined } = {
    status: 200,
    body: Buffer.from('x'),
  };
  const url = await serve(t, (_request, response) => {
    response.writeHead(answer.status);
    // Without a body it never ends.
    if (answer.body === undefined) response.write('x');
    else response.end(answer.body);
  });
  const dir = await folder(t);
  const store = createDiskStore(dir);
  const attempt = (limits: Partial<FetchOptions> = {}, digest = packed.digest, size = 0) =>
    fetchArtifact(store, { url, digest, size }, { ...options, ...limits });
  await assert.rejects(attempt(), { reason: 'ArtifactInvalid' });
  answer = { status: 200, body: Buffer.alloc(2_000) };
  await assert.rejects(attempt({ maxBytes: 1_000 }), { reason: 'ArtifactTooLarge' });
  await assert.rejects(attempt({ maxBytes: 1_000 }, packed.digest, 1_001), {
    reason: 'ArtifactTooLarge',
  });
  answer = { status: 404, body: Buffer.alloc(0) };
  await assert.rejects(attempt(), ArtifactMissing);
  answer = { status: 500, body: Buffer.from('the password is hunter2') };
  await assert.rejects(attempt(), (error: Error) => {
    assert.match(error.message, /HTTP status 500$/);
    return true;
  });
  answer = { status: 200, body: undefined };
  await assert.rejects(attempt({ timeoutMs: 200 }), { reason: 'ArtifactUnavailable' });
  await assert.rejects(attempt({}, 'md5:abc'), { reason: 'ArtifactInvalid' });
  const gone = { url: 'http://127.0.0.1:1/', digest: packed.digest };
  await assert.rejects(fetchArtifact(store, gone, options), {
    reason: 'ArtifactUnavailable',
    message: /ECONNREFUSED/,
  });
  assert.deepEqual(await readdir(dir), []);
});

it('is cut off while it arrives, with or without a length', async (t) => {
  const { packed } = await setup(t);
  let sent = 0;
  const url = await serve(t, (request, response) => {
    if (request.url === '/long')
      return response.writeHead(200, { 'content-length': 1e9 }).write('x');
    const timer = setInterval(() => {
      sent += 100_000;
      response.write(Buffer.alloc(100_000));
    }, 1);
    response.on('close', () => clearInterval(timer));
  });
  const store = createDiskStore(await folder(t));
  for (const path of ['/long', '/endless']) {
    const endless = { url: `${url}${path}`, digest: packed.digest };
    await assert.rejects(fetchArtifact(store, endless, options), { reason: 'ArtifactTooLarge' });
  }
  assert.ok(sent < 20_000_000, `${sent} bytes were sent`);
});

it('is not fetched from this machine, but from the own artifact server', async (t) => {
  const { artifact, server } = await setup(t);
  const { addresses: _, ...strict } = options;
  const store = createDiskStore(await folder(t));
  const { pathname, port } = new URL(artifact.url);
  const hosts = ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '0'];
  for (const host of hosts) {
    const local = { ...artifact, url: `http://${host}:${port}${pathname}` };
    await assert.rejects(fetchArtifact(store, local, strict), /address, which is refused/, host);
  }
  const elsewhere = { ...strict, trusted: 'http://127.0.0.1:1' };
  await assert.rejects(fetchArtifact(store, artifact, elsewhere), /which is refused/);
  const metadata = { ...artifact, url: 'http://169.254.169.254/latest/meta-data' };
  await assert.rejects(fetchArtifact(store, metadata, strict), /cloud metadata address/);
  const own = await fetchArtifact(store, artifact, { ...strict, trusted: server.url });
  assert.ok(own.file);
});

it('follows no redirect', async (t) => {
  const { artifact } = await setup(t);
  let asked = 0;
  const inner = await serve(t, (_, response) => {
    asked += 1;
    response.end('secret');
  });
  const url = await serve(t, (_, response) => {
    response.writeHead(302, { location: `${inner}/admin` }).end('to the secret place');
  });
  const store = createDiskStore(await folder(t));
  await assert.rejects(fetchArtifact(store, { ...artifact, url }, options), (error: Error) => {
    assert.match(error.message, /HTTP status 302, and redirects are not followed$/);
    return true;
  });
  assert.equal(asked, 0);
});

it('keeps the cache within its bound, however many arrive at the same time', async (t) => {
  const dir = await folder(t);
  const MIB = 1024 ** 2;
  const cache = createCache({ dir, maxBytes: 8 * MIB, slackBytes: 8 * MIB });
  let most = 0;
  async function* megabytes(seed: number, count: number) {
    for (let at = 0; at < count; at++) {
      yield Buffer.alloc(MIB, seed);
      most = Math.max(most, await sizeOf(dir));
    }
  }
  const results = await Promise.allSettled(
    Array.from({ length: 12 }, (_, seed) =>
      cache.write(digestOf(Buffer.from(`${seed}`)), megabytes(seed, 5)),
    ),
  );
  const failed = results.filter((result) => result.status === 'rejected');
  assert.ok(failed.length > 0 && failed.length < 12, `${failed.length} of 12 failed`);
  for (const { reason } of failed) {
    assert.deepEqual([reason.reason, reason.transient], ['StorageFull', true]);
  }
  assert.ok(most <= 16 * MIB, `${most} bytes were on the disk`);
  assert.ok((await readdir(dir)).every((name) => name.endsWith('.tar.gz')));
});

async function sizeOf(dir: string): Promise<number> {
  const sizes = (await readdir(dir)).map((name) =>
    stat(join(dir, name)).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
