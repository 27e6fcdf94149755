import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { it, type TestContext } from 'node:test';
import { BusUnavailable } from '@weir/bus';
import { ArtifactMissing } from './errors.ts';
import { artifactPath } from './path.ts';
import { type ServeOptions, serveArtifacts } from './server.ts';
import { createDiskStore } from './testing/disk-store.ts';
import { packInMemory, putArtifact } from './testing/pack.ts';

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'weir-serve-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

async function setup(t: TestContext, options: Partial<ServeOptions> = {}) {
  const store = createDiskStore(await folder(t));
  const packed = await packInMemory([{ path: 'a.yaml', mode: 0o644, content: Buffer.from('a') }]);
  const path = artifactPath('GitRepository', 'ns', 'app', packed.digest);
  const server = await serveArtifacts(store, { port: 0, host: '127.0.0.1', ...options });
  t.after(() => server.close());
  return { store, packed, path, server, url: `${server.url}/${path}` };
}

it('serves an artifact with its length and tag', async (t) => {
  const { store, packed, url } = await setup(t);
  await putArtifact(store, packed);
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
  await putArtifact(store, packed);
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
      await putArtifact(store, packed);
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
