// When images were built, read from a real registry.
import { deepEqual, equal, rejects } from 'node:assert/strict';
import { after, test } from 'node:test';
import { startFront, startRegistry } from '@weir/cluster';
import { type Descriptor, MediaType, OciError, openRegistry } from '@weir/oci';
import { pushBlob, pushManifest } from '@weir/oci/testing';
import { createBuildTimes } from './build-times.ts';

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());
const registry = stack.adopt(await startRegistry(), (it) => it.close());
const front = stack.adopt(await startFront(registry.url), (it) => it.close());
const { signal } = new AbortController();
const NAME = 'org/app';

const image = {
  repository: { registry: front.host, name: NAME },
  name: `${front.host}/${NAME}`,
  registry: openRegistry({ registry: front.host, allowLocal: true, environment: {} }),
  accessKey: 'anonymous',
};

/** Pushes an image whose configuration is this; undefined for one without any. */
async function push(config: unknown, tag?: string): Promise<Descriptor> {
  const content = Buffer.from(typeof config === 'string' ? config : JSON.stringify(config));
  const blob = await pushBlob(registry, NAME, content);
  const mediaType = 'application/vnd.oci.image.config.v1+json';
  const manifest = {
    ...{ schemaVersion: 2, mediaType: MediaType.image, layers: [] },
    config: { mediaType, ...blob },
  };
  return pushManifest(registry, NAME, manifest, tag);
}

async function pushIndex(tag: string, children: [Descriptor, string, string][]): Promise<void> {
  const manifests = children.map(([child, os, architecture]) => ({
    ...child,
    platform: { os, architecture },
  }));
  const index = { schemaVersion: 2, mediaType: MediaType.index, manifests };
  await pushManifest(registry, NAME, index, tag);
}

const asked = () =>
  front.requests().map(({ method, path }) => `${method} ${path.split('/').at(-2)}`);

test('the time is that of the configuration, whatever kind of image a tag is', async () => {
  const [early, late] = ['2026-01-01T00:00:00Z', '2026-02-01T00:00:00.123456789Z'];
  const first = await push({ created: early }, 'plain');
  const second = await push({ created: late });
  await pushIndex('index', [
    [first, 'linux', 'arm64'],
    [second, 'linux', 'amd64'],
  ]);
  // This list lacks the platform, and has an attestation as BuildKit adds it to an image.
  await pushIndex('arm', [
    [second, 'unknown', 'unknown'],
    [first, 'linux', 'arm64'],
  ]);
  await pushIndex('attested', [[second, 'unknown', 'unknown']]);
  await push({}, 'silent');
  await push({ created: 7 }, 'odd');
  await push('no JSON', 'none');
  const tags = ['plain', 'index', 'arm', 'attested', 'silent', 'odd', 'none', 'gone'];
  const [one, other] = [Date.parse(early), Date.parse('2026-02-01T00:00:00.123Z')];
  deepEqual(await createBuildTimes().of(image, tags, signal), [
    ...[one, other, one],
    ...Array(5).fill(undefined),
  ]);
});

test('what a digest stands for is read once, and a tag is asked for again after ten minutes', async () => {
  await push({ created: '2026-03-01T00:00:00Z' }, 'v1');
  let now = 0;
  const times = createBuildTimes(() => now);
  front.clear();
  await times.of(image, ['v1'], signal);
  deepEqual(asked(), ['HEAD manifests', 'GET manifests', 'GET blobs']);
  front.clear();
  await times.of(image, ['v1'], signal);
  deepEqual(asked(), []);
  now = 11 * 60_000;
  await push({ created: '2026-04-01T00:00:00Z' }, 'v1');
  front.clear();
  deepEqual(await times.of(image, ['v1'], signal), [Date.parse('2026-04-01T00:00:00Z')]);
  equal(asked()[0], 'HEAD manifests');
  now = 22 * 60_000;
  front.clear();
  await times.of(image, ['v1'], signal);
  deepEqual(asked(), ['HEAD manifests']);
});

test('other credentials have to ask for the digest themselves', async () => {
  await push({ created: '2026-05-01T00:00:00Z' }, 'v5');
  const times = createBuildTimes();
  await times.of(image, ['v5'], signal);
  front.clear();
  await times.of({ ...image, accessKey: 'other' }, ['v5'], signal);
  deepEqual(asked(), ['HEAD manifests']);
});

test('a configuration that is large is not read, and a registry that fails is an error', async () => {
  await push({ created: '2026-06-01T00:00:00Z', history: 'x'.repeat(2 * 1024 ** 2) }, 'large');
  deepEqual(await createBuildTimes().of(image, ['large'], signal), [undefined]);
  front.intercept((_, response) => {
    response.writeHead(403).end();
    return true;
  });
  const times = createBuildTimes();
  await rejects(times.of(image, ['plain'], signal), (error) => error instanceof OciError);
  front.intercept(undefined);
});
