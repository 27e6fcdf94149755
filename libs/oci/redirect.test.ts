// Where requests go: redirects of blobs and proxies.
import { deepEqual, equal, match, rejects } from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  type Front,
  REGISTRY_USER,
  type RegistryServer,
  startForwardProxy,
  startFront,
  startReceiver,
  startRegistry,
} from '@weir/cluster';
import { OciError } from './errors.ts';
import type { Descriptor } from './manifest.ts';
import { basic, openLocal, soon, wholeBlob } from './testing/clients.ts';
import { pushArtifact, tarGz } from './testing/index.ts';

const stack = new AsyncDisposableStack();
let registry: RegistryServer;
let front: Front;
let layer: Descriptor;
const content = tarGz([{ path: 'a.yaml', content: 'a: 1\n' }]);

before(async () => {
  registry = stack.adopt(await startRegistry({ auth: 'basic' }), (it) => it.close());
  front = stack.adopt(await startFront(registry.url), (it) => it.close());
  const target = { url: registry.url, authorization: basic(REGISTRY_USER) };
  const { digest } = await pushArtifact(target, 'app', { tag: 'v1', layers: [{ content }] });
  const client = openLocal(registry.host, { credentials: REGISTRY_USER });
  const { manifest } = await client.manifest('app', digest, soon());
  if (manifest.kind !== 'image' || !manifest.layers[0]) throw new Error('no layer');
  [layer] = [manifest.layers[0]];
});
after(() => stack.disposeAsync());

function redirectBlobs(location: string): void {
  front.intercept((request, response) => {
    if (!request.url?.includes('/blobs/')) return false;
    response.writeHead(307, { location }).end();
    return true;
  });
}

const readBlob = () =>
  wholeBlob(openLocal(front.host, { credentials: REGISTRY_USER }).blob('app', layer, soon()));

test('a redirect of a blob is followed without credentials', async () => {
  const storage = stack.adopt(await startFront(`http://127.0.0.1:${front.port}`), (it) =>
    it.close(),
  );
  storage.intercept((_, response) => {
    response.writeHead(200).end(content);
    return true;
  });
  redirectBlobs(`http://user:pass@127.0.0.1:${storage.port}/bucket/blob?signature=abc`);
  deepEqual(await readBlob(), content);
  const [request, ...more] = storage.requests();
  equal(more.length, 0);
  equal(request?.path, '/bucket/blob?signature=abc');
  equal(request?.authorization, undefined);
  // The answer of the storage must not be quoted as one of the registry.
  storage.intercept((_, response) => {
    response.writeHead(403).end('internal secret');
    return true;
  });
  await rejects(readBlob(), (error: unknown) => {
    match(
      String(error),
      /GET http:\/\/127\.0\.0\.1:\d+\/v2\/app\/blobs\/sha256:\w+: unexpected status code 403 Forbidden$/,
    );
    return error instanceof OciError && error.reason === 'Denied';
  });
});

test('redirects in a circle, to other protocols and to nowhere are refused', async () => {
  const circle = `${front.url}/v2/app/blobs/${layer.digest}`;
  for (const location of [circle, 'file:///etc/passwd', 'ftp://example.com/x', 'http://', '']) {
    redirectBlobs(location);
    await rejects(
      readBlob(),
      (error: unknown) => error instanceof OciError && error.reason === 'Refused',
      location,
    );
  }
});

test('requests go through a proxy, with its credentials', async () => {
  const proxy = stack.adopt(await startForwardProxy(), (it) => it.close());
  const plain = openLocal(registry.host, {
    credentials: REGISTRY_USER,
    proxy: `http://me:p%40ss@localhost:${proxy.port}`,
  });
  await plain.resolve('app', 'v1', soon());
  const targets = proxy.requests().map(({ target }) => target);
  equal(targets[0], `CONNECT ${registry.host}`, 'HTTPS is tried first');
  equal(targets.at(-1), `HEAD ${registry.url}/v2/app/manifests/v1`);
  deepEqual(
    new Set(proxy.requests().map(({ authorization }) => authorization)),
    new Set([`Basic ${Buffer.from('me:p@ss').toString('base64')}`]),
  );
  const tls = stack.adopt(await startRegistry({ tls: true }), (it) => it.close());
  const secure = openLocal(tls.host, { tls: { ca: tls.ca }, proxy: proxy.url });
  await rejects(secure.resolve('app', 'v1', soon()), /MANIFEST_UNKNOWN|NAME_UNKNOWN/);
  equal(proxy.requests().at(-1)?.target, `CONNECT ${tls.host}`);
});

test('a proxy at an address of this machine is refused', async () => {
  const receiver = stack.adopt(await startReceiver(), (it) => it.close());
  for (const host of ['127.0.0.1', 'localhost']) {
    const proxy = `http://${host}:${receiver.port}`;
    const client = openLocal('registry.example', { proxy, allowLocal: false });
    await rejects(client.resolve('app', 'v1', soon()), /--allow-local-addresses/);
  }
  deepEqual(receiver.requests(), []);
});
