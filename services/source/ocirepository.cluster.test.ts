// The requests of OCIRepositories to a registry, and how bad artifacts end, beyond the recorded cases.
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { OCIRepository, type OCIRepositorySpec, RECONCILE_REQUEST } from '@weir/api';
import { type Front, type RegistryServer, startFront, startRegistry, until } from '@weir/cluster';
import { pushArtifact, type TarEntry, tarGz } from '@weir/oci/testing';
import { buildVerifier } from '@weir/render';
import { startTufRepository, type TufRepository } from '@weir/sigstore/testing';
import { type Harness, startHarness } from './testing/harness.ts';
import { bundleBlob, pushReferrers, pushUnsigned, readSamples } from './testing/signed-samples.ts';

const timeoutMs = 60_000;

describe('OCIRepositories', () => {
  const stack = new AsyncDisposableStack();
  let harness: Harness;
  let registry: RegistryServer;
  let front: Front;
  let sigstore: TufRepository;
  before(async () => {
    registry = stack.adopt(await startRegistry(), (it) => it.close());
    front = stack.adopt(await startFront(registry.url), (it) => it.close());
    sigstore = stack.adopt(await startTufRepository(), (it) => it.close());
    harness = await startHarness({
      'artifact-max-bytes': '1000000',
      'sigstore-tuf-url': sigstore.url,
      'sigstore-tuf-root': sigstore.rootFile,
    });
  });
  after(async () => {
    await harness?.close();
    await stack.disposeAsync();
  });

  let count = 0;
  /** A new repository with one tag, `v1`. */
  async function push(...entries: TarEntry[]): Promise<{ name: string; digest: string }> {
    const name = `repo-${++count}/app`;
    const { digest } = await pushArtifact(registry, name, {
      tag: 'v1',
      layers: [{ content: tarGz(entries) }],
    });
    return { name, digest };
  }

  async function apply(namespace: string, name: string, spec: Partial<OCIRepositorySpec>) {
    const { apiVersion, kind } = OCIRepository;
    const object = {
      ...{ apiVersion, kind, metadata: { namespace, name } },
      spec: { interval: '1h', ref: { tag: 'v1' }, ...spec },
    };
    const writing = { fieldManager: 'test', force: true };
    return harness.client.apply<OCIRepository>(OCIRepository, object, writing);
  }

  const ready = (
    namespace: string,
    name: string,
    status: 'True' | 'False',
    message = /.*/,
  ): Promise<OCIRepository> =>
    until(
      async () => {
        const object = await harness.client.get<OCIRepository>(OCIRepository, { namespace, name });
        const found = object.status?.conditions?.find(({ type }) => type === 'Ready');
        const isCurrent = found?.observedGeneration === object.metadata.generation;
        if (isCurrent && found?.status === status && message.test(found.message)) return object;
        throw new Error(JSON.stringify(object.status));
      },
      { timeoutMs, message: `${namespace}/${name} to be Ready=${status} ${message}` },
    );

  async function request(namespace: string, name: string): Promise<void> {
    const token = `request-${++count}`;
    const body = { metadata: { annotations: { [RECONCILE_REQUEST]: token } } };
    await harness.client.patch(OCIRepository, { namespace, name }, body, { kind: 'merge' });
    await until(
      async () => {
        const object = await harness.client.get<OCIRepository>(OCIRepository, { namespace, name });
        return object.status?.lastHandledReconcileAt === token;
      },
      { timeoutMs, message: 'the request to be handled' },
    );
  }

  const asked = () => front.requests().map(({ method, path }) => `${method} ${path}`);

  test('an unchanged tag costs one question, and no pull', async () => {
    const namespace = await harness.namespace();
    const { name, digest } = await push({ path: 'a.yaml', content: 'a: 1\n' });
    await apply(namespace, 'app', { url: `oci://${front.host}/${name}` });
    const object = await ready(namespace, 'app', 'True');
    equal(object.status?.artifact?.revision, `v1@${digest}`);
    front.clear();
    await request(namespace, 'app');
    deepEqual(asked(), [`HEAD /v2/${name}/manifests/v1`]);
  });

  test('objects that want the same share one pull, in any namespace', async () => {
    const { name } = await push({ path: 'a.yaml', content: 'a: 2\n' });
    front.clear();
    const url = `oci://${front.host}/${name}`;
    const namespaces = [await harness.namespace(), await harness.namespace()];
    for (const namespace of namespaces) {
      for (const object of ['one', 'two', 'three']) await apply(namespace, object, { url });
    }
    for (const namespace of namespaces) {
      for (const object of ['one', 'two', 'three']) await ready(namespace, object, 'True');
    }
    equal(asked().filter((it) => it.includes('/blobs/')).length, 1, asked().join('\n'));
  });

  test('an artifact that the store lost is made again when somebody asks for it', async () => {
    const namespace = await harness.namespace();
    const { name } = await push({ path: 'a.yaml', content: 'a: 3\n' });
    await apply(namespace, 'app', { url: `oci://${front.host}/${name}` });
    const { artifact, url = '' } = (await ready(namespace, 'app', 'True')).status ?? {};
    ok(artifact);
    for (const address of [artifact.url, url]) {
      await harness.store.remove(artifact.digest);
      const response = await fetch(address);
      equal(response.status, 200, address);
      equal(response.headers.get('etag'), `"${artifact.digest}"`);
      await response.arrayBuffer();
    }
    match(url, /\/ocirepository\/.*\/app\/latest\.tar\.gz$/);
    equal((await fetch(url.replace('/app/', '/none/'))).status, 404);
  });

  test('a registry that hangs is cut off after the timeout', async () => {
    const namespace = await harness.namespace();
    const { name } = await push({ path: 'a.yaml', content: 'a: 4\n' });
    front.intercept((incoming) => incoming.url?.includes(name) ?? false);
    try {
      await apply(namespace, 'app', { url: `oci://${front.host}/${name}`, timeout: '1s' });
      const message = /^failed to determine artifact digest: .*context deadline exceeded$/;
      const object = await ready(namespace, 'app', 'False', message);
      const fetchFailed = object.status?.conditions?.find(({ type }) => type === 'FetchFailed');
      equal(fetchFailed?.reason, 'OCIArtifactPullFailed');
    } finally {
      front.intercept(undefined);
    }
    await request(namespace, 'app');
    await ready(namespace, 'app', 'True');
  });

  test('a bad layer leaves the artifact of before where it is', async () => {
    const namespace = await harness.namespace();
    const { name } = await push({ path: 'a.yaml', content: 'a: 5\n' });
    await apply(namespace, 'app', { url: `oci://${front.host}/${name}` });
    const before = (await ready(namespace, 'app', 'True')).status?.artifact;
    const bad: [entry: TarEntry, message: RegExp][] = [
      [
        { path: '../../etc/cron.d/x', content: 'x' },
        /tar contained invalid name error "\.\.\/\.\./,
      ],
      [{ path: '/etc/passwd', content: 'x' }, /tar contained invalid name error "\/etc\/passwd"$/],
      [{ path: 'device', type: '3' }, /"device" contained unsupported file type$/],
      [{ path: 'zeros', content: Buffer.alloc(1_100_000) }, /unpacks to more than 1000000 bytes/],
    ];
    for (const [entry, message] of bad) {
      await pushArtifact(registry, name, { tag: 'v1', layers: [{ content: tarGz([entry]) }] });
      await request(namespace, 'app');
      const { status } = await ready(namespace, 'app', 'False', message);
      deepEqual(status?.artifact, before);
      const failed = status?.conditions?.find(({ type }) => type === 'FetchFailed');
      equal(failed?.reason, 'OCIArtifactLayerOperationFailed');
    }
    await pushArtifact(registry, name, { tag: 'v1', layers: [{ content: Buffer.from('no tar') }] });
    await request(namespace, 'app');
    const none = await ready(
      namespace,
      'app',
      'False',
      /layer contents from artifact: requires gzip/,
    );
    deepEqual(none.status?.artifact, before);
  });

  test('what is not signed, or verified by no key, is not stored', async () => {
    const namespace = await harness.namespace();
    const { name } = await push({ path: 'a.yaml', content: 'a: 6\n' });
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    await harness.secret(namespace, 'keys', { 'cosign.pub': pem });
    await apply(namespace, 'app', {
      url: `oci://${front.host}/${name}`,
      verify: { provider: 'cosign', secretRef: { name: 'keys' } },
    });
    const message = /using provider 'cosign': no matching signatures were found for/;
    const { status } = await ready(namespace, 'app', 'False', message);
    equal(status?.artifact, undefined, 'nothing that is not signed is stored');
    await harness.secret(namespace, 'keys', { 'cosign.pub': 'no key' });
    await request(namespace, 'app');
    await ready(namespace, 'app', 'False', /using provider 'cosign': PEM decoding failed$/);
  });

  test('what is signed without a key is stored for its identity only', async () => {
    const samples = await readSamples();
    await buildVerifier();
    const namespace = await harness.namespace();
    const name = `signed/${namespace}`;
    await pushUnsigned(registry, name, samples);
    const { trustedRoot, issuer } = samples.keyless;
    const signedBy = (subject: string): Partial<OCIRepositorySpec> => ({
      url: `oci://${front.host}/${name}`,
      layerSelector: { mediaType: 'application/vnd.oci.empty.v1+json', operation: 'copy' },
      verify: {
        provider: 'cosign',
        matchOIDCIdentity: [{ issuer: `^${issuer}$`, subject }],
        trustedRootSecretRef: { name: 'root' },
      },
    });
    await harness.secret(namespace, 'root', { 'other.json': trustedRoot });
    await apply(namespace, 'app', signedBy('^stranger$'));
    const missing = `using provider 'cosign keyless': failed to read trusted root from secret '${namespace}/root': 'trusted_root.json' not found`;
    await ready(namespace, 'app', 'False', new RegExp(missing));
    await harness.secret(namespace, 'root', { 'trusted_root.json': trustedRoot });
    await request(namespace, 'app');
    await ready(namespace, 'app', 'False', /no matching signatures were found for '/);
    await pushReferrers(registry, name, samples, [bundleBlob(samples)]);
    await request(namespace, 'app');
    const refused = await ready(namespace, 'app', 'False', /no matching CertificateIdentity/);
    equal(refused.status?.artifact, undefined, 'nothing of somebody else is stored');
    await apply(namespace, 'app', signedBy(samples.keyless.subject));
    const { status } = await ready(namespace, 'app', 'True');
    const verified = status?.conditions?.find(({ type }) => type === 'SourceVerified');
    deepEqual(
      [verified?.status, verified?.message],
      ['True', `verified signature of revision v1@${samples.digest}`],
    );
    match(status?.sourceVerificationFingerprint ?? '', /^sha256:[0-9a-f]{64}$/);
  });

  test('without a Secret with a root, what Sigstore publishes is trusted', async () => {
    const samples = await readSamples();
    await buildVerifier();
    const namespace = await harness.namespace();
    const name = `signed/${namespace}`;
    await pushUnsigned(registry, name, samples);
    await pushReferrers(registry, name, samples, [bundleBlob(samples)]);
    const { trustedRoot, issuer, subject } = samples.keyless;
    deepEqual(sigstore.requests(), [], 'nobody is asked before a source wants it');
    await apply(namespace, 'app', {
      url: `oci://${front.host}/${name}`,
      layerSelector: { mediaType: 'application/vnd.oci.empty.v1+json', operation: 'copy' },
      verify: { provider: 'cosign', matchOIDCIdentity: [{ issuer: `^${issuer}$`, subject }] },
    });
    const unable =
      /using provider 'cosign keyless': unable to initialize trusted root: .*timestamp\.json: status 404$/;
    const refused = await ready(namespace, 'app', 'False', unable);
    equal(refused.status?.artifact, undefined, 'nothing is stored while nobody is trusted');
    sigstore.publish('trusted_root.json', trustedRoot);
    const { status } = await ready(namespace, 'app', 'True');
    const verified = status?.conditions?.find(({ type }) => type === 'SourceVerified');
    equal(verified?.status, 'True');
  });
});
