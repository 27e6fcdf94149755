import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { it, type TestContext } from 'node:test';
import { BusUnavailable } from '@weir/bus';
import { createCache } from './cache.ts';
import { ArtifactMissing } from './errors.ts';
import { fetchArtifact } from './fetch.ts';
import { packArtifact } from './pack.ts';
import { artifactPath } from './path.ts';
import { type ServeOptions, serveArtifacts } from './server.ts';
import type { ArtifactStore } from './store.ts';

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'weir-serve-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** A store that is a folder: what the server and fetches ask of one. */
async function folderStore(t: TestContext) {
  const cache = createCache({ dir: await folder(t), maxBytes: 1024 ** 3 });
  const store: Pick<ArtifactStore, 'file' | 'put'> = {
    file: async (digest) => {
      const path = await cache.find(digest);
      if (path === undefined) throw new ArtifactMissing(digest);
      return path;
    },
    put: async ({ digest, bytes }) => void (await cache.write(digest, bytes)),
  };
  return store as ArtifactStore;
}

async function setup(t: TestContext, options: Partial<ServeOptions> = {}) {
  const store = await folderStore(t);
  const packed = await packArtifact([{ path: 'a.yaml', mode: 0o644, content: Buffer.from('a') }]);
  const path = artifactPath('GitRepository', 'ns', 'app', packed.digest);
  const server = await serveArtifacts(store, { port: 0, host: '127.0.0.1', ...options });
  t.after(() => server.close());
  return { store, packed, path, server, url: `${server.url}/${path}` };
}

it('serves an artifact with its length and tag', async (t) => {
  const { store, packed, url } = await setup(t);
  await store.put(packed);
  const response = await fetch(url);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'application/gzip');
  assert.equal(response.headers.get('etag'), `"${packed.digest}"`);
  assert.ok(Buffer.from(await response.arrayBuffer()).equals(packed.bytes));

  const head = await fetch(url, { method: 'HEAD' });
  assert.equal(head.headers.get('content-length'), String(packed.size));
  assert.equal(await head.text(), '');

  for (const tag of [
    `"${packed.digest}"`,
    `W/"${packed.digest}"`,
    `"x", "${packed.digest}"`,
    '*',
  ]) {
    assert.equal((await fetch(url, { headers: { 'if-none-match': tag } })).status, 304, tag);
  }
  assert.equal((await fetch(url, { headers: { 'if-none-match': '"x"' } })).status, 200);
});

it('refuses other paths and methods', async (t) => {
  const { store, packed, server, url, path } = await setup(t);
  await store.put(packed);
  for (const wrong of [
    '',
    'x',
    `${path}/x`,
    path.replace('.tar.gz', ''),
    'gitrepository/ns/app/latest.tar.gz',
  ]) {
    assert.equal((await fetch(`${server.url}/${wrong}`)).status, 404, wrong);
  }
  const post = await fetch(url, { method: 'POST', body: 'x' });
  assert.deepEqual([post.status, post.headers.get('allow')], [405, 'GET, HEAD']);
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
});

it('does not follow a path out of its folder', async (t) => {
  const { server } = await setup(t);
  for (const path of [
    '/../../etc/passwd',
    '/gitrepository/ns/app/../../../../etc/passwd',
    '/%2e%2e/x',
  ]) {
    const socket = connect(server.port, '127.0.0.1');
    socket.end(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    assert.match(await text(socket), /^HTTP\/1\.1 404 /, path);
  }
});

it('has a lost artifact made again, once for all who ask', async (t) => {
  const asked: string[] = [];
  const gate = Promise.withResolvers<void>();
  const { store, packed, path, url } = await setup(t, {
    onMissing: async (missing) => {
      asked.push(missing);
      await gate.promise;
      await store.put(packed);
    },
  });
  const responses = Promise.all([fetch(url), fetch(url)]);
  gate.resolve();
  assert.deepEqual(
    (await responses).map(({ status }) => status),
    [200, 200],
  );
  assert.deepEqual(new Set(asked), new Set([path]));
});

it('answers 404 for what nobody can make, and 503 when it cannot know', async (t) => {
  let failure: Error = new ArtifactMissing('sha256:x');
  const { url, store } = await setup(t, {
    onMissing: async () => {
      throw failure;
    },
  });
  const missing = await fetch(url);
  assert.deepEqual([missing.status, missing.headers.get('etag')], [404, null]);
  failure = new Error('the remote is away: geheim');
  const failed = await fetch(url);
  assert.equal(failed.status, 503);
  assert.doesNotMatch(await failed.text(), /geheim/);
  const away = { ...store, file: () => Promise.reject(new BusUnavailable()) };
  const server = await serveArtifacts(away, { port: 0, host: '127.0.0.1' });
  t.after(() => server.close());
  const response = await fetch(`${server.url}${new URL(url).pathname}`);
  assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '5']);
});

it('is fetched from with its content checked, and kept on the local disk', async (t) => {
  const { store, packed, url, server } = await setup(t);
  await store.put(packed);
  const options = { dir: await folder(t), ...limits };
  const artifact = { url, digest: packed.digest, size: packed.size };
  const { file, manifest } = await fetchArtifact(undefined, artifact, options);
  assert.ok((await readFile(file)).equals(packed.bytes));
  assert.deepEqual({ ...(await manifest()) }, { ...packed.manifest });
  await server.close();
  assert.equal((await fetchArtifact(undefined, artifact, options)).file, file);
});

const limits = { timeoutMs: 5_000, maxBytes: 1024 ** 2, signal: new AbortController().signal };

it('prefers the store, and goes to the URL when the store has nothing or is away', async (t) => {
  const { store, packed, url } = await setup(t);
  await store.put(packed);
  const options = { dir: await folder(t), ...limits };
  const artifact = { url: 'http://127.0.0.1:1/', digest: packed.digest };
  const stored = await fetchArtifact(store, artifact, options);
  assert.equal(stored.file, await store.file(packed.digest));
  for (const failure of [new ArtifactMissing(packed.digest), new BusUnavailable()]) {
    const failing = { ...store, file: () => Promise.reject(failure) };
    const fetched = await fetchArtifact(
      failing,
      { ...artifact, url },
      { ...options, dir: await folder(t) },
    );
    assert.ok((await readFile(fetched.file)).equals(packed.bytes));
  }
});

it('refuses wrong content, too much of it, and servers that fail', async (t) => {
  const { packed } = await setup(t);
  let answer: { status: number; body: Buffer | undefined } = {
    status: 200,
    body: Buffer.from('x'),
  };
  const server = createServer((_request, response) => {
    response.writeHead(answer.status);
    // Without a body it never ends.
    if (answer.body === undefined) response.write('x');
    else response.end(answer.body);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => server.close().closeAllConnections());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const dir = await folder(t);
  const attempt = (options: object = {}, digest = packed.digest, size?: number) =>
    fetchArtifact(
      undefined,
      { url, digest, ...(size === undefined ? {} : { size }) },
      { dir, ...limits, ...options },
    );
  await assert.rejects(attempt(), { reason: 'ArtifactInvalid' });
  answer = { status: 200, body: Buffer.alloc(2_000) };
  await assert.rejects(attempt({ maxBytes: 1_000 }), { reason: 'ArtifactTooLarge' });
  await assert.rejects(attempt({ maxBytes: 1_000 }, packed.digest, 1_001), {
    reason: 'ArtifactTooLarge',
  });
  answer = { status: 404, body: Buffer.alloc(0) };
  await assert.rejects(attempt(), ArtifactMissing);
  answer = { status: 500, body: Buffer.alloc(0) };
  await assert.rejects(attempt(), { reason: 'ArtifactUnavailable', transient: true });
  answer = { status: 200, body: undefined };
  await assert.rejects(attempt({ timeoutMs: 200 }), { reason: 'ArtifactUnavailable' });
  await assert.rejects(attempt({}, 'md5:abc'), { reason: 'ArtifactInvalid' });
  server.close().closeAllConnections();
  await assert.rejects(attempt(), { reason: 'ArtifactUnavailable', message: /ECONNREFUSED/ });
});
