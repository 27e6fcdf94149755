// Faults of registries and of what is between them and the client. Each is produced by a server in front of
// distribution's registry.
import { equal, match, rejects } from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Front, type RegistryServer, startFront, startRegistry } from '@weir/cluster';
import { OciError, type OciReason } from './errors.ts';
import type { Descriptor } from './manifest.ts';
import { openRegistry } from './registry.ts';
import { openLocal, soon, wholeBlob } from './testing/clients.ts';
import { pushArtifact, tarGz } from './testing/index.ts';

const stack = new AsyncDisposableStack();
let registry: RegistryServer;
let front: Front;
let digest: string;
let layer: Descriptor;
const content = tarGz([{ path: 'a.yaml', content: 'a: 1\n'.repeat(1_000) }]);

before(async () => {
  registry = stack.adopt(await startRegistry(), (it) => it.close());
  front = stack.adopt(await startFront(registry.url), (it) => it.close());
  ({ digest } = await pushArtifact(registry, 'app', { tag: 'v1', layers: [{ content }] }));
  const { manifest } = await openLocal(registry.host).manifest('app', digest, soon());
  if (manifest.kind !== 'image' || !manifest.layers[0]) throw new Error('no layer');
  [layer] = [manifest.layers[0]];
});
after(() => stack.disposeAsync());

function failure(reason: OciReason, message = /./) {
  return (error: unknown) => {
    match(String(error), message);
    equal((error as OciError).reason, reason, String(error));
    return error instanceof OciError;
  };
}

test('429 and 503 are tried again, as late as the registry says', async () => {
  const waits = [429, 503];
  for (const status of [...waits, 408, 500, 502, 504]) {
    front.clear();
    front.intercept((_, response) => {
      if (front.requests().length > 1) return false;
      response.writeHead(status, waits.includes(status) ? { 'retry-after': '1' } : {}).end();
      return true;
    });
    equal(await openLocal(front.host).resolve('app', 'v1', soon()), digest);
    const [first, second, ...more] = front.requests();
    equal(more.length, 0);
    const pauseMs = (second?.at ?? 0) - (first?.at ?? 0);
    equal(pauseMs >= 990, waits.includes(status), `a pause of ${pauseMs} ms after ${status}`);
  }
});

test('a registry that asks for a longer pause than we wait is not asked again', async () => {
  front.clear();
  front.intercept((_, response) => {
    response.writeHead(429, { 'retry-after': '3600' }).end('{"secret of an internal service"}');
    return true;
  });
  await rejects(openLocal(front.host).resolve('app', 'v1', soon()), (error: unknown) => {
    equal((error as OciError).retryAfterMs, 3_600_000);
    return failure('RateLimited', /unexpected status code 429 Too Many Requests$/)(error);
  });
  equal(front.requests().length, 1);
});

test('answers that say no are not repeated, and texts of others are not quoted', async () => {
  for (const [status, reason] of [
    [403, 'Denied'],
    [404, 'NotFound'],
    [418, 'InvalidResponse'],
  ] as const) {
    front.clear();
    front.intercept((_, response) => {
      response.writeHead(status).end('<h1>internal secret</h1>');
      return true;
    });
    await rejects(openLocal(front.host).resolve('app', 'v1', soon()), (error: unknown) => {
      equal(/internal/.test(String(error)), false);
      return failure(reason)(error);
    });
    equal(front.requests().length, 2, 'HEAD, and GET for its words');
  }
});

test('a connection that breaks is tried again, a few times', async () => {
  front.clear();
  front.intercept((request) => {
    request.socket.destroy();
    return true;
  });
  await rejects(openLocal(front.host).resolve('app', 'v1', soon()), failure('Unreachable'));
  // Each attempt tries HTTPS first, which is no request to a server without TLS.
  equal(front.requests().length, 3);
});

test('who hangs is cut off: before the answer, within a manifest, within a blob', async () => {
  const cuts: ((path: string) => boolean)[] = [
    (path) => path.includes('/manifests/'),
    (path) => path.includes('/blobs/'),
  ];
  for (const isCut of cuts) {
    for (const sent of [undefined, 'a few bytes']) {
      front.intercept((request, response) => {
        if (!isCut(request.url ?? '')) return false;
        if (sent !== undefined) response.writeHead(200, { 'content-length': '5000' }).write(sent);
        return true;
      });
      const client = openLocal(front.host);
      const started = performance.now();
      const signal = AbortSignal.timeout(300);
      await rejects(
        (async () => {
          await client.manifest('app', digest, signal);
          await wholeBlob(client.blob('app', layer, signal));
        })(),
        failure('Timeout', /context deadline exceeded/),
      );
      equal(performance.now() - started < 3_000, true);
      client.close();
    }
  }
  const stopped = new AbortController();
  stopped.abort();
  await rejects(openLocal(front.host).resolve('app', 'v1', stopped.signal), failure('Aborted'));
});

test('a blob that is cut short, too long or another one is refused', async () => {
  const bodies: [reason: OciReason, body: Buffer, length: number][] = [
    ['Truncated', content.subarray(0, 20), 20],
    ['Truncated', content.subarray(0, 20), content.length],
    ['DigestMismatch', Buffer.concat([content, Buffer.from('x')]), content.length + 1],
    ['DigestMismatch', Buffer.alloc(content.length), content.length],
  ];
  for (const [reason, body, length] of bodies) {
    front.intercept((request, response) => {
      if (!request.url?.includes('/blobs/')) return false;
      response.writeHead(200, { 'content-length': length });
      response.write(body, () => response.destroy());
      if (body.length === length) response.end();
      return true;
    });
    const client = openLocal(front.host);
    await rejects(wholeBlob(client.blob('app', layer, soon())), failure(reason));
  }
});

test('a manifest that is another one, too large, or none is refused', async () => {
  const answer = async (body: string | Buffer) => {
    front.intercept((_, response) => {
      response.writeHead(200, { 'docker-content-digest': digest }).end(body);
      return true;
    });
    return openLocal(front.host).manifest('app', digest, soon());
  };
  await rejects(answer('{}'), failure('DigestMismatch', /does not match requested digest/));
  await rejects(answer(Buffer.alloc(5 * 1024 ** 2)), failure('TooLarge', /4194304 bytes/));
  const byTag = (body: unknown, contentType = 'application/json') => {
    front.intercept((_, response) => {
      response.writeHead(200, { 'content-type': contentType });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
      return true;
    });
    return openLocal(front.host).manifest('app', 'v1', soon());
  };
  const image = { schemaVersion: 2, config: layer, layers: [layer] };
  equal((await byTag(image)).manifest.kind, 'image');
  const bad = [
    ...['<html>', '[]', 'null', {}, { schemaVersion: 1 }, { ...image, layers: 'x' }],
    ...[
      { ...image, layers: [{}] },
      { ...image, layers: [{ ...layer, size: -1 }] },
    ],
    ...[
      { ...image, layers: [{ ...layer, digest: '../x' }] },
      { ...image, annotations: { a: 1 } },
    ],
    ...['['.repeat(100_000)],
  ];
  for (const body of bad) await rejects(byTag(body), failure('InvalidResponse'));
  const many = { ...image, layers: Array.from({ length: 3_000 }, () => layer) };
  await rejects(byTag(many), failure('TooLarge', /more than 2000 layers/));
});

test('a tag whose digest the registry does not tell is read', async () => {
  front.intercept((request, response) => {
    if (request.method !== 'HEAD') return false;
    response.writeHead(200).end();
    return true;
  });
  equal(await openLocal(front.host).resolve('app', 'v1', soon()), digest);
  front.intercept((request, response) => {
    if (request.method !== 'HEAD') return false;
    response.writeHead(405).end();
    return true;
  });
  equal(await openLocal(front.host).resolve('app', 'v1', soon()), digest);
});

test('an address of this machine is not connected to unless that is allowed', async () => {
  for (const host of ['127.0.0.1', 'localhost', '[::1]', '169.254.169.254', '2130706433']) {
    const client = openRegistry({ registry: `${host}:${registry.port}` });
    const message = /--allow-local-addresses/;
    await rejects(client.resolve('app', 'v1', soon()), failure('Refused', message), host);
  }
});
