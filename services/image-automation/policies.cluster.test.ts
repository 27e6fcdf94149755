// What ImagePolicies do beyond the recorded cases: Weir's own fields, other namespaces, restarts and replicas.
import { equal, match, ok } from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ImagePolicy, ImageRepository } from '@weir/api';
import {
  type RegistryServer,
  startRegistry,
  startTagRegistry,
  type TagRegistry,
  until,
} from '@weir/cluster';
import { MediaType } from '@weir/oci';
import { pushBlob, pushManifest } from '@weir/oci/testing';
import { type Harness, startHarness } from './testing/harness.ts';

const timeoutMs = 60_000;

describe('ImagePolicies', () => {
  const stack = new AsyncDisposableStack();
  let harness: Harness;
  let server: TagRegistry;
  let registry: RegistryServer;
  before(async () => {
    server = stack.adopt(await startTagRegistry(), (it) => it.close());
    registry = stack.adopt(await startRegistry(), (it) => it.close());
    harness = await startHarness({ 'image-newest-max-tags': '5' });
  });
  after(async () => {
    await harness?.close();
    await stack.disposeAsync();
  });

  /** An ImageRepository and a policy over it in a namespace of their own. */
  async function apply(image: string, policy: object, spec: object = {}) {
    const ref = { namespace: await harness.namespace(), name: 'app' };
    await harness.apply(ImageRepository, ref, { image, interval: '1h', ...spec });
    await harness.apply(ImagePolicy, ref, { imageRepositoryRef: { name: 'app' }, ...policy });
    return ref;
  }

  async function rescan(ref: { namespace: string; name: string }): Promise<void> {
    await harness.handled(ImageRepository, ref, await harness.request(ImageRepository, ref));
  }

  async function pushImage(name: string, tag: string, created: string): Promise<void> {
    const content = Buffer.from(JSON.stringify({ created, tag }));
    const blob = await pushBlob(registry, name, content);
    const mediaType = 'application/vnd.oci.image.config.v1+json';
    const manifest = { schemaVersion: 2, mediaType: MediaType.image, layers: [] };
    await pushManifest(registry, name, { ...manifest, config: { mediaType, ...blob } }, tag);
  }

  test('the newest is the image that was built last, whatever its tag', async () => {
    await pushImage('newest/app', 'f00d', '2026-03-01T00:00:00Z');
    await pushImage('newest/app', 'beef', '2026-05-01T00:00:00Z');
    await pushImage('newest/app', 'cafe', '2026-04-01T00:00:00Z');
    const ref = await apply(`${registry.host}/newest/app`, { policy: { newest: {} } });
    await harness.ready(ImagePolicy, ref, 'True', /resolved to beef$/);
    await pushImage('newest/app', 'abba', '2026-06-01T00:00:00Z');
    await rescan(ref);
    await harness.ready(ImagePolicy, ref, 'True', /resolved to abba \(previously .*:beef\)$/);
    await pushImage('newest/app', 'dev-1', '2026-07-01T00:00:00Z');
    await pushImage('newest/app', 'dev-2', '2026-07-01T00:00:00Z');
    await rescan(ref);
    const many =
      /would have to look at 6 images, 5 are allowed: narrow them down with spec\.filterTags/;
    await harness.ready(ImagePolicy, ref, 'False', many);
    await harness.change(ImagePolicy, ref, { filterTags: { pattern: '^[a-f0-9]+$' } });
    await harness.ready(ImagePolicy, ref, 'True', /resolved to abba/);
  });

  test('a policy chooses from a million tags', async () => {
    const tags = Array.from({ length: 1_000_000 }, (_, index) => `1.${index}.0`);
    server.put('million', tags, 20_000);
    const ref = await apply(`${server.host}/million`, { policy: { semver: { range: '1.x' } } });
    await harness.ready(ImagePolicy, ref, 'True', /resolved to 1\.999999\.0$/);
    const { status } = await harness.read<ImageRepository>(ImageRepository, ref);
    equal(status?.lastScanResult?.tagCount, 1_000_000);
  });

  test('a version that is excluded is never chosen', async () => {
    server.put('rollback', ['1.0.0', '1.1.0', '1.2.0']);
    const policy = { policy: { semver: { range: '1.x' } } };
    const ref = await apply(`${server.host}/rollback`, policy);
    await harness.ready(ImagePolicy, ref, 'True', /resolved to 1\.2\.0$/);
    await harness.change(ImagePolicy, ref, { exclude: ['1.2.0'] });
    await harness.ready(ImagePolicy, ref, 'True', /resolved to 1\.1\.0 \(previously .*:1\.2\.0\)$/);
    server.put('rollback', ['1.0.0', '1.1.0', '1.2.0', '1.2.1']);
    await rescan(ref);
    await harness.ready(ImagePolicy, ref, 'True', /resolved to 1\.2\.1/);
  });

  test('a suspended policy keeps its tag, and a request counts as handled', async () => {
    server.put('suspended', ['1.0.0']);
    const ref = await apply(`${server.host}/suspended`, { policy: { semver: { range: '*' } } });
    await harness.ready(ImagePolicy, ref, 'True', /resolved to 1\.0\.0$/);
    await harness.change(ImagePolicy, ref, { suspend: true });
    server.put('suspended', ['1.0.0', '1.1.0']);
    await rescan(ref);
    const token = await harness.request(ImagePolicy, ref);
    const object = await harness.handled<ImagePolicy>(ImagePolicy, ref, token);
    equal(object.status?.latestRef?.tag, '1.0.0');
    await harness.change(ImagePolicy, ref, { suspend: false });
    await harness.ready(ImagePolicy, ref, 'True', /resolved to 1\.1\.0/);
  });

  test('an expression that takes too long fails for its policy, and names what to do', async () => {
    server.put(
      'long',
      Array.from({ length: 20_000 }, (_, at) => `${'a'.repeat(115)}${at}`),
    );
    const ref = await apply(`${server.host}/long`, {
      ...{ policy: { alphabetical: {} }, filterTags: { pattern: '(x*a?){500}b' } },
    });
    const late = /^matching took longer than 2s: use fewer or simpler patterns$/;
    await harness.ready(ImagePolicy, ref, 'False', late);
    await harness.change(ImagePolicy, ref, { filterTags: { pattern: 'a1$' } });
    await harness.ready(ImagePolicy, ref, 'True');
  });

  test('a policy that says nothing is stalled', async () => {
    server.put('nothing', ['1.0.0']);
    const ref = await apply(`${server.host}/nothing`, { policy: {} });
    const object = await harness.ready<ImagePolicy>(ImagePolicy, ref, 'False');
    const stalled = object.status?.conditions?.find(({ type }) => type === 'Stalled');
    equal(stalled?.message, 'invalid policy: given ImagePolicyChoice object is invalid');
  });

  test('no match, nothing left by the filter, and a digest that is gone are told in words of Flux', async () => {
    server.put('words', ['1.0.0']);
    const image = `${server.host}/words`;
    const semver = { semver: { range: '>=2' } };
    const none = await apply(image, { policy: semver });
    const nothing = /^unable to determine latest version from provided list$/;
    await harness.ready(ImagePolicy, none, 'False', nothing);
    const empty = await apply(image, { policy: semver, filterTags: { pattern: '^v' } });
    await harness.ready(ImagePolicy, empty, 'False', /^version list argument cannot be empty$/);
    const digest = await apply(image, {
      ...{ policy: { semver: { range: '*' } }, digestReflectionPolicy: 'IfNotPresent' },
    });
    const failed = await harness.ready<ImagePolicy>(
      ImagePolicy,
      digest,
      'False',
      /^failed fetching digest of .*\/words:1\.0\.0: failed fetching descriptor for ".*\/words:1\.0\.0": /,
    );
    const ready = failed.status?.conditions?.find(({ type }) => type === 'Ready');
    equal(ready?.reason, 'Failed');
  });

  test('a restart lists nothing again, and no policy is without tags', async () => {
    server.put('restart', ['1.0.0', '1.1.0']);
    const ref = await apply(`${server.host}/restart`, { policy: { semver: { range: '*' } } });
    await harness.ready(ImagePolicy, ref, 'True');
    await harness.stop();
    server.clear();
    await harness.start();
    const other = { ...ref, name: 'other' };
    await harness.apply(ImagePolicy, other, {
      ...{ imageRepositoryRef: { name: 'app' }, policy: { semver: { range: '<1.1' } } },
    });
    await harness.ready(ImagePolicy, other, 'True', /resolved to 1\.0\.0$/);
    const asked = server.requests().filter((it) => it.includes('/restart/'));
    equal(asked.length, 0, asked.join('\n'));
  });

  test('tags that NATS lost are listed again for the policy that needs them', async () => {
    server.put('lost', ['1.0.0']);
    const ref = await apply(`${server.host}/lost`, { policy: { semver: { range: '*' } } });
    await harness.ready(ImagePolicy, ref, 'True');
    await harness.stop();
    const manager = await (await harness.bus.jetstream()).jetstreamManager(false);
    await manager.streams.purge('weir-tags');
    await harness.start();
    const other = { ...ref, name: 'other' };
    await harness.apply(ImagePolicy, other, {
      ...{ imageRepositoryRef: { name: 'app' }, policy: { alphabetical: {} } },
    });
    await harness.ready(ImagePolicy, other, 'True', /resolved to 1\.0\.0$/);
    const { messages } = (await manager.streams.info('weir-tags')).state;
    ok(messages > 0, `${messages}`);
  });

  test('the list of an object that is deleted goes', async () => {
    server.put('deleted', ['1.0.0']);
    const ref = await apply(`${server.host}/deleted`, { policy: { semver: { range: '*' } } });
    const { metadata } = await harness.ready<ImageRepository>(ImageRepository, ref, 'True');
    const manager = await (await harness.bus.jetstream()).jetstreamManager(false);
    const stored = async () => {
      const subject = `weir.tags.test.${metadata.uid}.0`;
      return manager.streams.getMessage('weir-tags', { last_by_subj: subject });
    };
    ok(await stored());
    await harness.client.delete(ImageRepository, ref);
    await until(async () => (await stored()) === null, { timeoutMs, message: 'the list to go' });
    const policy = await harness.ready<ImagePolicy>(ImagePolicy, ref, 'False', /does not exist/);
    match(policy.status?.latestRef?.tag ?? '', /^1\.0\.0$/);
  });

  test('a new tag is chosen on every replica, and by the one that is left', async () => {
    const second = await harness.replica('second');
    const refs = [];
    for (let at = 0; at < 12; at++) {
      server.put(`replicas-${at}`, ['1.0.0']);
      refs.push(
        await apply(`${server.host}/replicas-${at}`, { policy: { semver: { range: '*' } } }),
      );
    }
    for (const ref of refs) await harness.ready(ImagePolicy, ref, 'True');
    server.clear();
    for (const [at, ref] of refs.entries()) {
      server.put(`replicas-${at}`, ['1.0.0', '1.1.0']);
      await rescan(ref);
      await harness.ready(ImagePolicy, ref, 'True', /resolved to 1\.1\.0/);
    }
    // Each list was asked for by one replica, once.
    equal(server.requests().filter((it) => it.includes('/replicas-')).length, refs.length);
    await second.close();
    for (const [at, ref] of refs.entries()) {
      server.put(`replicas-${at}`, ['1.0.0', '1.1.0', '1.2.0']);
      await rescan(ref);
      await harness.ready(ImagePolicy, ref, 'True', /resolved to 1\.2\.0/);
    }
  });
});
