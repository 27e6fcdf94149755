// Buckets as users see them. The single steps are tested beside the code.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Bucket, type BucketSpec, RECONCILE_REQUEST } from '@weir/api';
import {
  type KeyPair,
  listen,
  S3_KEYS,
  type S3Server,
  startForwardProxy,
  startS3Server,
  until,
} from '@weir/cluster';
import { pageExamples, type ServiceHarness, startServiceHarness } from '@weir/kit';
import { type KubeObject, Secret } from '@weir/kube';
import { createGoogleKey, startTokenServer } from '@weir/oauth/testing';
import {
  ACCOUNT_KEY,
  type GcsServer,
  startBlobServer,
  startGcsServer,
} from '@weir/objectstore/testing';
import { service } from './main.ts';

const WRITING = { fieldManager: 'test', force: true };
const timeoutMs = 60_000;
const READ_ONLY = 'https://www.googleapis.com/auth/devstorage.read_only';

describe('Buckets', () => {
  let harness: ServiceHarness;
  let server: S3Server;
  let gcs: GcsServer;
  before(async () => {
    [server, gcs] = await Promise.all([startS3Server(), startGcsServer()]);
    const flags = {
      ...{ 'artifact-port': '0', 'allow-local-addresses': 'true', 'lease-duration': '2s' },
      'cloud-endpoints': `gcp-storage=${gcs.url}`,
    };
    harness = await startServiceHarness({ service, flags });
  });
  after(async () => {
    await harness?.close();
    await Promise.all([server?.close(), gcs?.close()]);
  });

  async function secret(namespace: string, name: string, stringData: object): Promise<void> {
    const metadata = { namespace, name };
    const object = { apiVersion: 'v1', kind: 'Secret', metadata, stringData };
    await harness.client.apply(Secret, object, WRITING);
  }

  /** Creates a Bucket, or changes its spec, with the keys of the server unless it has others. */
  async function apply(namespace: string, name: string, spec: Partial<BucketSpec>) {
    if (spec.secretRef === undefined) await secret(namespace, 's3', S3_KEYS);
    const { apiVersion, kind } = Bucket;
    const { endpoint } = server;
    const all = {
      ...{ interval: '1h', endpoint, bucketName: name, insecure: true, secretRef: { name: 's3' } },
      ...spec,
    };
    const object = { apiVersion, kind, metadata: { namespace, name }, spec: all };
    return harness.client.apply<Bucket>(Bucket, object as KubeObject, WRITING);
  }

  function ready(namespace: string, name: string, status: 'True' | 'False', message = /.*/) {
    const wanted = { status, message, current: true };
    return harness.ready<Bucket>(Bucket, { namespace, name }, wanted);
  }

  /** Asks for a run and waits until it has happened. */
  async function reconcile(namespace: string, name: string): Promise<Bucket> {
    const token = `${Math.random()}`;
    const body = { metadata: { annotations: { [RECONCILE_REQUEST]: token } } };
    await harness.client.patch(Bucket, { namespace, name }, body, { kind: 'merge' });
    return until(
      async () => {
        const found = await harness.client.get<Bucket>(Bucket, { namespace, name });
        return found.status?.lastHandledReconcileAt === token ? found : undefined;
      },
      { timeoutMs, message: `the run of ${name} that was asked for` },
    );
  }

  const reads = (bucket: string) =>
    server.front
      .requests()
      .filter(({ path }) => path.startsWith(`/${bucket}/`) && !path.startsWith(`/${bucket}/?`));

  test('the examples of docs/bucket.md work', async (t) => {
    const keys = `<AccessKeyId>${S3_KEYS.accesskey}</AccessKeyId><SecretAccessKey>${S3_KEYS.secretkey}</SecretAccessKey>`;
    const sts = createServer((_, response) => response.end(`<a>${keys}</a>`)).listen(0);
    t.after(() => sts.close());
    const { port } = sts.address() as AddressInfo;
    const [blobs, tokens] = await Promise.all([startBlobServer(), startTokenServer()]);
    t.after(() => Promise.all([blobs.close(), tokens.close()]));
    blobs.createContainer('deploy', { 'a.yaml': 'a' });
    gcs.createBucket('shop', { 'a.yaml': 'a' });
    const { json, publicKey } = createGoogleKey('shop@example.com', `${tokens.url}/token`);
    tokens.accounts.set('shop@example.com', publicKey);
    gcs.tokens.set(tokens.tokenFor('shop@example.com', READ_ONLY), 'list');
    const page = await readFile(new URL('../../docs/bucket.md', import.meta.url), 'utf8');
    const yaml = page
      .replaceAll('https://minio.example.com:9000', `http://127.0.0.1:${port}`)
      .replaceAll(
        'endpoint: minio.example.com:9000',
        `endpoint: ${server.endpoint}\n  insecure: true`,
      )
      .replaceAll('https://shop.blob.core.windows.net', blobs.url)
      .replaceAll('c2hvcA==', ACCOUNT_KEY)
      .replaceAll('accesskey: reader', `accesskey: ${S3_KEYS.accesskey}`)
      .replaceAll('secretkey: s3cret-pw', `secretkey: ${S3_KEYS.secretkey}`);
    const objects = pageExamples(yaml).flat();
    await server.createBucket('shop', { 'deploy/a.yaml': 'a', 'deploy/x.md': 'x', 'b.yaml': 'b' });
    await harness.cluster.request('POST', '/api/v1/namespaces', { metadata: { name: 'apps' } });
    await secret('apps', 'shop-google', { serviceaccount: json });
    for (const object of objects) {
      const type = await harness.client.discovery.resourceForKind(object.apiVersion, object.kind);
      const strict = { fieldManager: 'reader', fieldValidation: 'Strict' } as const;
      await harness.client.apply(type, object, strict);
    }
    const buckets = objects.filter(({ kind }) => kind === 'Bucket');
    assert.equal(buckets.length, 6);
    for (const { metadata } of buckets) {
      // The operator of this cluster has not enabled accounts.
      if (metadata.name === 'shop-aws') await ready('apps', 'shop-aws', 'False', /feature gate/);
      else await ready('apps', metadata.name, 'True');
    }
    const { status } = await ready('apps', 'shop-deploy', 'True');
    const files = await harness.store.fileIndex(status?.artifact?.digest ?? '');
    assert.deepEqual(Object.keys(files), ['deploy/a.yaml']);
  });

  test('an interval with nothing new lists the bucket, and writes and fetches nothing', async () => {
    const namespace = await harness.namespace();
    await server.createBucket('quiet', { 'a.txt': 'a' });
    await apply(namespace, 'quiet', { interval: '300ms' });
    const before = await ready(namespace, 'quiet', 'True');
    server.front.clear();
    const asked = () => server.front.requests().filter(({ path }) => path.startsWith('/quiet'));
    await until(() => asked().length >= 3, { timeoutMs, message: 'three intervals' });
    assert.ok(asked().every(({ path }) => path.includes('list-type=2')));
    const now = await harness.client.get(Bucket, { namespace, name: 'quiet' });
    assert.equal(now.metadata.resourceVersion, before.metadata.resourceVersion);
    await apply(namespace, 'quiet', { suspend: true });
  });

  test('those of two namespaces with the same keys share what is fetched', async () => {
    await server.createBucket('common', { 'a.txt': 'a', 'b.txt': 'b' });
    server.front.clear();
    const namespaces = [await harness.namespace(), await harness.namespace()];
    await Promise.all(namespaces.map((namespace) => apply(namespace, 'common', {})));
    const [one, other] = await Promise.all(
      namespaces.map((namespace) => ready(namespace, 'common', 'True')),
    );
    assert.equal(one?.status?.artifact?.digest, other?.status?.artifact?.digest);
    assert.equal(reads('common').length, 2);
  });

  test('a failure keeps the artifact, and its end is an event', async () => {
    const namespace = await harness.namespace();
    const bucket = await server.createBucket('failing', { 'a.txt': 'a' });
    await apply(namespace, 'failing', {});
    const { status } = await ready(namespace, 'failing', 'True');
    await bucket.put({ 'b.txt': 'b' });
    server.front.intercept((request, response) => {
      if (!request.url?.startsWith('/failing/b.txt')) return false;
      response.writeHead(404).end('<html>none of yours</html>');
      return true;
    });
    const failed = await reconcile(namespace, 'failing');
    server.front.intercept(undefined);
    assert.deepEqual(failed.status?.artifact, status?.artifact);
    assert.match(
      failed.status?.conditions?.find(({ type }) => type === 'FetchFailed')?.message ?? '',
      /^fetch from bucket 'failing' failed: failed to get 'b\.txt' object: .*HTTP status 404/,
    );
    const recovered = await reconcile(namespace, 'failing');
    assert.notEqual(recovered.status?.artifact?.revision, status?.artifact?.revision);
    await ready(namespace, 'failing', 'True');
  });

  test('an artifact that the store lost is made again when somebody asks for it', async (t) => {
    const namespace = await harness.namespace();
    await server.createBucket('losing', { 'a.txt': 'a' });
    await apply(namespace, 'losing', {});
    const { status } = await ready(namespace, 'losing', 'True');
    const { digest = '', url = '' } = status?.artifact ?? {};
    await harness.store.remove(digest);
    const second = await harness.replica('second');
    t.after(() => second.close());
    const address = new URL(url);
    address.port = `${second.ports?.().artifacts}`;
    const response = await fetch(address);
    await response.arrayBuffer();
    assert.equal(response.status, 200);
  });

  test('one that is lost, and that the bucket has no more, becomes what there is now at once', async (t) => {
    const namespace = await harness.namespace();
    // Some of them will belong to the replica that is asked, and others won't: that one has to ask their owner.
    const names = Array.from({ length: 6 }, (_, n) => `changed-${n}`);
    const buckets = await Promise.all(
      names.map((name) => server.createBucket(name, { 'a.txt': `first ${name}` })),
    );
    await Promise.all(names.map((name) => apply(namespace, name, {})));
    const before = await Promise.all(names.map((name) => ready(namespace, name, 'True')));
    for (const bucket of buckets) await bucket.put({ 'a.txt': `second ${bucket.name}` });
    for (const { status } of before) await harness.store.remove(status?.artifact?.digest ?? '');
    const second = await harness.replica('asked');
    t.after(() => second.close());
    for (const { metadata, status } of before) {
      const { name } = metadata;
      const address = new URL(status?.artifact?.url ?? '');
      address.port = `${second.ports?.().artifacts}`;
      assert.equal((await fetch(address)).status, 404);
      const url = await until(
        async () => {
          const found = await harness.client.get<Bucket>(Bucket, { namespace, name });
          const { artifact } = found.status ?? {};
          return artifact?.revision !== status?.artifact?.revision && artifact?.url;
        },
        { timeoutMs, message: `another artifact of ${name}` },
      );
      assert.equal((await fetch(url || '')).status, 200);
    }
  });

  test('its Secrets are read, and what is wrong with one is said', async (t) => {
    const namespace = await harness.namespace();
    await server.createBucket('secrets', { 'a.txt': 'a' });
    await secret(namespace, 'half', { accesskey: 'a' });
    await secret(namespace, 'empty', { nothing: 'a' });
    const cases: [string, Partial<BucketSpec>, string, string][] = [
      [
        'half',
        { secretRef: { name: 'half' } },
        'AuthenticationFailed',
        "invalid 'half' secret data: required fields 'accesskey' and 'secretkey'",
      ],
      [
        'tls',
        { certSecretRef: { name: 'empty' } },
        'AuthenticationFailed',
        `failed to get TLS config: secret '${namespace}/empty' must contain either 'ca.crt' or both 'tls.crt' and 'tls.key'`,
      ],
      [
        'proxy',
        { proxySecretRef: { name: 'none' } },
        'AuthenticationFailed',
        `failed to get proxy URL: secret '${namespace}/none' not found`,
      ],
      [
        'sts',
        { sts: { provider: 'ldap', endpoint: 'http://127.0.0.1:1', secretRef: { name: 'none' } } },
        'AuthenticationFailed',
        `failed to get STS secret '${namespace}/none': secrets "none" not found`,
      ],
      [
        'login',
        { sts: { provider: 'ldap', endpoint: 'http://127.0.0.1:1', secretRef: { name: 'empty' } } },
        'AuthenticationFailed',
        "invalid 'empty' secret data for 'ldap' STS provider: required fields username, password",
      ],
      [
        'scheme',
        { endpoint: 'http://minio.example.com' },
        'AuthenticationFailed',
        'Endpoint: http://minio.example.com does not follow ip address or domain name standards: it is a host with or without a port, and has no scheme and no path.',
      ],
      [
        'name',
        { bucketName: 'not/a/name' },
        'BucketOperationFailed',
        "failed to confirm existence of 'not/a/name' bucket: Bucket name contains invalid characters",
      ],
      [
        'account',
        { provider: 'gcp', serviceAccountName: 'reader', secretRef: undefined } as object,
        'FeatureGateDisabled',
        'to use spec.serviceAccountName for provider authentication please enable the ObjectLevelWorkloadIdentity feature gate in the controller',
      ],
      [
        'google',
        { provider: 'gcp', secretRef: { name: 'half' } },
        'AuthenticationFailed',
        "invalid 'half' secret data: required fields 'serviceaccount'",
      ],
    ];
    for (const [name, spec, reason, message] of cases) {
      await apply(namespace, name, { bucketName: 'secrets', ...spec });
      const { status } = await ready(namespace, name, 'False');
      const [condition] = status?.conditions?.filter(({ type }) => type === 'Ready') ?? [];
      assert.equal(condition?.reason, reason, condition?.message);
      assert.equal(condition?.message, message);
    }
    const proxy = await startForwardProxy();
    t.after(() => proxy.close());
    await secret(namespace, 'way', { address: proxy.url, username: 'ann', password: 'pass' });
    await apply(namespace, 'proxy', {
      ...{ bucketName: 'secrets', proxySecretRef: { name: 'way' } },
    });
    await ready(namespace, 'proxy', 'True');
    assert.match(proxy.requests()[0]?.target ?? '', /\/secrets\/\?location/);
  });

  test('it is read over TLS with the authority of its Secret', async (t) => {
    const secure = await startS3Server({ tls: true });
    t.after(() => secure.close());
    const namespace = await harness.namespace();
    await secure.createBucket('secure', { 'a.txt': 'a' });
    await secret(namespace, 'tls', { 'ca.crt': secure.ca ?? '' });
    const { endpoint } = secure;
    await apply(namespace, 'secure', { endpoint, insecure: false });
    await ready(namespace, 'secure', 'False', /^failed to confirm existence.*certificate/);
    await apply(namespace, 'secure', {
      ...{ endpoint, insecure: false, certSecretRef: { name: 'tls' } },
    });
    await ready(namespace, 'secure', 'True');
  });

  test('it shows its certificate, to the object store and to the token service', async (t) => {
    const closed = await startS3Server({ tls: true, mutual: true });
    t.after(() => closed.close());
    const asked: string[] = [];
    const keys = `<AccessKeyId>${S3_KEYS.accesskey}</AccessKeyId><SecretAccessKey>${S3_KEYS.secretkey}</SecretAccessKey>`;
    const tokens = await listen(
      (request, response) => {
        asked.push(`${request.method} ${request.url}`);
        response.end(`<a>${keys}</a>`);
      },
      { tls: true, mutual: true },
    );
    t.after(() => tokens.close());
    const namespace = await harness.namespace();
    await closed.createBucket('closed', { 'a.txt': 'a' });
    const tlsOf = ({ ca = '', client }: { ca?: string; client?: KeyPair }) => ({
      'ca.crt': ca,
      ...(client && { 'tls.crt': client.certificate, 'tls.key': client.key }),
    });
    await secret(namespace, 'none', { 'ca.crt': closed.ca ?? '' });
    await secret(namespace, 'shown', tlsOf(closed));
    const { endpoint } = closed;
    const own = { endpoint, insecure: false };
    await apply(namespace, 'closed', { ...own, certSecretRef: { name: 'none' } });
    await ready(namespace, 'closed', 'False', /^failed to confirm existence of 'closed' bucket: /);
    await apply(namespace, 'closed', { ...own, certSecretRef: { name: 'shown' } });
    await ready(namespace, 'closed', 'True');

    await secret(namespace, 'login', { username: 'ann', password: 'pass' });
    await secret(namespace, 'tokens', tlsOf(tokens));
    const sts = {
      ...{ provider: 'ldap' as const, endpoint: tokens.url },
      ...{ secretRef: { name: 'login' }, certSecretRef: { name: 'none' } },
    };
    // Empty keys count as missing, so those of the token service are used.
    await secret(namespace, 'empty', { accesskey: '', secretkey: '' });
    const byToken = {
      ...{ ...own, bucketName: 'closed', certSecretRef: { name: 'shown' } },
      ...{ secretRef: { name: 'empty' }, sts },
    };
    await apply(namespace, 'by-token', byToken);
    await ready(namespace, 'by-token', 'False');
    assert.deepEqual(asked, [], 'the token service takes nobody without a certificate');
    await apply(namespace, 'by-token', {
      ...byToken,
      sts: { ...sts, certSecretRef: { name: 'tokens' } },
    });
    await ready(namespace, 'by-token', 'True');
    assert.match(asked[0] ?? '', /^POST \/.*/);
  });
});
