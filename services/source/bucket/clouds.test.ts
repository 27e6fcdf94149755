// Buckets of Azure and Google with what their Secrets hold, against servers that speak the documented APIs.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Bucket, BucketSpec } from '@weir/api';
import { createRsaCertificate, S3_KEYS, S3_REGION, startS3Server } from '@weir/cluster';
import { createIdentities, type Identities } from '@weir/identity';
import { type Clouds, startClouds } from '@weir/identity/testing';
import { createGoogleKey, startTokenServer, type TokenServer } from '@weir/oauth/testing';
import {
  ACCOUNT_KEY,
  type BlobServer,
  type GcsServer,
  startBlobServer,
  startGcsServer,
} from '@weir/objectstore/testing';
import { type BucketFetcher, startBucketFetcher } from '../testing/bucket-fetcher.ts';
import { azureRemote } from './azure.ts';
import type { Wanted } from './fetch.ts';
import { gcsRemote } from './gcs.ts';
import { s3Remote } from './s3.ts';

const READ_ONLY = 'https://www.googleapis.com/auth/devstorage.read_only';
const STORAGE = 'https://storage.azure.com/.default';

let identities: Identities;
let clouds: Clouds;
let blobs: BlobServer;
let gcs: GcsServer;
let tokens: TokenServer;
let fetcher: BucketFetcher;
before(async () => {
  [blobs, gcs, tokens] = await Promise.all([
    startBlobServer(),
    startGcsServer(),
    startTokenServer(),
  ]);
  clouds = await startClouds();
  const nobody = () => Promise.reject(new Error('Kubernetes was asked'));
  identities = createIdentities({
    ...{ client: { get: nobody, request: nobody }, objectLevel: false, allowLocal: true },
    environment: { AWS_REGION: S3_REGION, AWS_ACCESS_KEY_ID: S3_KEYS.accesskey },
    ...{ endpoints: clouds.endpoints, cache: { max: 100, maxAgeMs: 3_600_000 } },
  });
  fetcher = await startBucketFetcher(
    { maxBytes: 1_000_000 },
    { 'gcp-storage': gcs.url, 'azure-metadata': tokens.url, 'azure-blob': blobs.url },
  );
});
after(async () => {
  identities?.close();
  await Promise.all([
    clouds?.close(),
    blobs?.close(),
    gcs?.close(),
    tokens?.close(),
    fetcher?.close(),
  ]);
});

const NO_SECRETS = {
  login: undefined,
  ...{ stsLogin: undefined, proxy: undefined, tls: undefined, stsTls: undefined },
};

function wanted(
  bucketName: string,
  {
    provider,
    data,
    more = {},
  }: { provider: 'azure' | 'gcp'; data?: object; more?: Partial<BucketSpec> },
  options: Partial<Wanted> = {},
): Wanted {
  const spec = { interval: '1h', provider, endpoint: blobs.url, bucketName, ...more };
  const object = { kind: 'Bucket', metadata: { namespace: 'apps', name: 'app' }, spec } as Bucket;
  const entries = Object.entries(data ?? {}).map(
    ([name, text]) => [name, Buffer.from(text)] as const,
  );
  const login = data && { data: new Map(entries), name: 'apps/login', type: 'Opaque' };
  const secrets = {
    login,
    stsLogin: undefined,
    proxy: undefined,
    tls: undefined,
    stsTls: undefined,
  };
  const remote =
    provider === 'azure'
      ? azureRemote(object, secrets, identities)
      : gcsRemote(object, secrets, identities);
  return { tenant: 'apps', remote, prefix: '', ignore: undefined, timeoutMs: 20_000, ...options };
}

async function make(what: Wanted) {
  const listing = await fetcher.list(what);
  const snapshot = await fetcher.store(what, listing);
  const paths = Object.keys(await fetcher.artifacts.fileIndex(snapshot.digest));
  return { ...snapshot, paths, listing };
}

const google = () => {
  const { json, publicKey } = createGoogleKey('reader@example.com', `${tokens.url}/token`);
  tokens.accounts.set('reader@example.com', publicKey);
  gcs.tokens.set(tokens.tokenFor('reader@example.com', READ_ONLY), 'list');
  return { provider: 'gcp' as const, data: { serviceaccount: json } };
};
const azure = { provider: 'azure' as const, data: { accountKey: ACCOUNT_KEY } };

describe('a Bucket of a cloud', () => {
  const clouds = [
    [
      'Azure',
      () => azure,
      (name: string, files: object) => blobs.createContainer(name, files as Record<string, string>),
      () => blobs,
    ],
    [
      'Google',
      google,
      (name: string, files: object) => gcs.createBucket(name, files as Record<string, string>),
      () => gcs,
    ],
  ] as const;
  for (const [cloud, login, create, serverOf] of clouds) {
    describe(cloud, () => {
      /** The requests since the last call, without those for lists. */
      const reads = () =>
        serverOf()
          .requests.splice(0)
          .filter((it) => !/comp=list|maxResults/.test(it)).length;

      test('becomes an artifact, and of what changed only that is fetched', async () => {
        const files = Array.from({ length: 30 }, (_, index) => [`d/${index}.txt`, `${index}`]);
        const bucket = create('changing', { ...Object.fromEntries(files), 'folder/': '' });
        const what = wanted('changing', login());
        const before = await make(what);
        assert.equal(before.paths.length, 30);
        assert.equal(reads(), 30);
        bucket.put({ 'd/7.txt': 'seven', 'd/new.txt': 'new' });
        bucket.remove('d/8.txt');
        const after = await make(what);
        assert.equal(reads(), 2);
        assert.equal(after.paths.length, 30);
        assert.notEqual(after.revision, before.revision);
      });

      test('has rules, a prefix and ignore', async () => {
        create('rules', {
          '.sourceignore': '*.txt\n',
          'a.txt': 'a',
          'd/b.yaml': 'b',
          'd/c.md': 'c',
        });
        const all = await make(wanted('rules', login(), { ignore: '*.md' }));
        assert.deepEqual(all.paths, ['.sourceignore', 'd/b.yaml']);
        const part = await make(wanted('rules', login(), { prefix: 'd/' }));
        assert.deepEqual(part.paths, ['.sourceignore', 'd/b.yaml', 'd/c.md']);
        create('plain', { 'd/a.txt': 'a' });
        const plain = await make(wanted('plain', login(), { prefix: 'd/' }));
        assert.deepEqual(plain.paths, ['d/a.txt'], 'without rules at the root');
      });

      test('has an object left out that vanished, and one as it is by now', async () => {
        const bucket = create('moving', { 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c' });
        const what = wanted('moving', login());
        const listing = await fetcher.list(what);
        bucket.remove('b.txt');
        bucket.put({ 'c.txt': 'changed' });
        const snapshot = await fetcher.store(what, listing);
        assert.equal(snapshot.objects, 2);
        assert.notEqual(snapshot.revision, listing.revision);
        assert.equal(snapshot.revision, (await fetcher.list(what)).revision);
      });

      test('does not leave its archive, and is not fetched where it is too large', async () => {
        create('dots', { '../../etc/passwd': 'x', 'a/../b': 'b' });
        assert.deepEqual((await make(wanted('dots', login()))).paths, ['b', 'etc/passwd']);
        const bucket = create('large', { 'a.txt': 'a' });
        bucket.pretend('big.bin', 5 * 1024 ** 3);
        const what = wanted('large', login());
        const listing = await fetcher.list(what);
        reads();
        await assert.rejects(fetcher.store(what, listing), {
          reason: 'ArchiveOperationFailed',
          message: /of 1000000 at most .* the largest is 'big\.bin' with 5368709120 bytes/,
        });
        assert.equal(reads(), 0);
      });

      test('that is not there, or does not answer, fails as in Flux', async () => {
        await assert.rejects(fetcher.list(wanted('nope', login())), {
          reason: 'BucketOperationFailed',
          message: "bucket 'nope' not found",
        });
        create('slow', {});
        serverOf().intercept = () => true;
        const slow = fetcher.list(wanted('slow', login(), { timeoutMs: 300 }));
        await assert.rejects(slow, {
          message:
            "failed to confirm existence of 'slow' bucket: no answer within 0.3s (spec.timeout)",
        });
        serverOf().intercept = undefined;
      });
    });
  }
});

describe('what a Secret holds for Azure', () => {
  const application = () => ({ tenantId: 'tenant', clientId: 'app', authorityHost: tokens.url });
  const list = (data: object, more = {}) =>
    fetcher.list(wanted('first', { provider: 'azure', data, more }));

  before(() => {
    blobs.createContainer('first', { 'a.txt': 'a' });
    blobs.tokens.set(tokens.tokenFor('app', STORAGE), 'list');
    blobs.tokens.set(tokens.tokenFor('machine', 'https://storage.azure.com'), 'list');
    tokens.identities.add('machine');
  });

  test('is an application with a secret, whose token is kept', async () => {
    tokens.applications.set('app', { clientSecret: 's3cret' });
    tokens.given.length = 0;
    const data = { ...application(), clientSecret: 's3cret\n' };
    for (let round = 0; round < 3; round++) assert.equal((await list(data)).objects.length, 1);
    assert.equal(tokens.given.length, 1);
  });

  test('is an application with a certificate', async () => {
    const { certificate, key } = await createRsaCertificate('app');
    tokens.applications.set('app', { certificate });
    const data = { ...application(), clientCertificate: `${certificate}\n${key}` };
    assert.equal((await list(data)).objects.length, 1);
  });

  test('is a managed identity of the machine, for hosts of Azure alone', async () => {
    assert.equal((await list({ clientId: 'machine' })).objects.length, 1);
    tokens.given.length = 0;
    const endpoint = 'https://evil.example';
    await assert.rejects(list({ clientId: 'machine' }, { endpoint }), {
      reason: 'AuthenticationFailed',
      message: /is no host of Azure Blob Storage.* it gets no token of an identity$/,
    });
    assert.deepEqual(tokens.given, []);
  });

  test('is a signature', async () => {
    assert.equal((await list({ sasKey: blobs.sas('first') })).objects.length, 1);
  });

  test('is nothing that can be used', async () => {
    const invalid = {
      reason: 'AuthenticationFailed',
      message:
        "invalid 'login' secret data: requires a 'clientId' or 'accountKey' field, a combination of 'tenantId', 'clientId' and 'clientSecret', or 'tenantId', 'clientId' and 'clientCertificate'",
    };
    for (const data of [{}, { tenantId: 'tenant' }, { accountKey: '' }, { authorityHost: 'x' }]) {
      assert.throws(() => wanted('first', { provider: 'azure', data }), invalid);
    }
    const wrong = list({ ...application(), clientSecret: 'wr0ng' });
    await assert.rejects(wrong, (error: Error) => {
      assert.match(
        error.message,
        /^failed to confirm existence of 'first' bucket: 127\.0\.0\.1.* gave no token: HTTP status 401/,
      );
      return !error.message.includes('wr0ng');
    });
  });
});

test('what a Secret holds for Google is the key of a service account', async () => {
  gcs.createBucket('first', { 'a.txt': 'a' });
  assert.equal((await fetcher.list(wanted('first', google()))).objects.length, 1);
  const use = (data: object) => () => wanted('first', { provider: 'gcp', data });
  assert.throws(use({}), {
    reason: 'AuthenticationFailed',
    message: "invalid 'login' secret data: required fields 'serviceaccount'",
  });
  assert.throws(use({ serviceaccount: 's3cret' }), {
    message: "invalid 'login' secret data: 'serviceaccount' can not be used: it is no JSON",
  });
  const external = JSON.stringify({ type: 'external_account' });
  assert.throws(use({ serviceaccount: external }), /its 'type' is not 'service_account'/);
});

describe('without a Secret, who the service is in a cloud counts', () => {
  const { signal } = new AbortController();
  const subject = (provider: 'azure' | 'gcp') => ({ provider, namespace: 'apps' });

  test('in Azure, at hosts of Azure alone', async () => {
    blobs.createContainer('own', { 'a.txt': 'a' });
    const { token } = await identities.accessToken(subject('azure'), { scope: STORAGE }, signal);
    blobs.tokens.set(token, 'list');
    const what = wanted('own', { provider: 'azure' });
    assert.equal((await fetcher.list(what)).objects.length, 1);
    const thief = await startBlobServer();
    const stolen = wanted('own', { provider: 'azure', more: { endpoint: thief.url } });
    await assert.rejects(fetcher.list(stolen), { reason: 'AuthenticationFailed' });
    assert.deepEqual(thief.requests, []);
    await thief.close();
  });

  test('in Google Cloud, whatever the endpoint says', async () => {
    gcs.createBucket('own', { 'a.txt': 'a' });
    const { token } = await identities.accessToken(subject('gcp'), {}, signal);
    gcs.tokens.set(token, 'list');
    blobs.requests.length = 0;
    const what = wanted('own', { provider: 'gcp', more: { endpoint: blobs.url } });
    assert.equal((await fetcher.list(what)).objects.length, 1);
    assert.deepEqual(blobs.requests, []);
  });

  test('and one that is refused is a failure, and nobody else', async () => {
    clouds.fault('azure-metadata', 'denied');
    const azureless = createIdentities({
      client: { get: () => Promise.reject(), request: () => Promise.reject() },
      ...{ objectLevel: false, allowLocal: true, environment: {}, endpoints: clouds.endpoints },
      ...{ cache: { max: 1, maxAgeMs: 1 }, network: { firstPauseMs: 1, attemptMs: 10_000 } },
    });
    const spec = { interval: '1h', provider: 'azure', endpoint: blobs.url, bucketName: 'refused' };
    const object = { metadata: { namespace: 'apps', name: 'app' }, spec } as Bucket;
    const remote = azureRemote(object, NO_SECRETS, azureless);
    blobs.requests.length = 0;
    await assert.rejects(
      fetcher.list({ tenant: 'apps', remote, prefix: '', ignore: undefined, timeoutMs: 20_000 }),
      {
        reason: 'BucketOperationFailed',
        message: /^failed to confirm existence of 'refused' bucket: /,
      },
    );
    assert.deepEqual(blobs.requests, []);
    azureless.close();
    clouds.fault('azure-metadata');
  });

  test('in AWS, with what is signed by its keys', async (t) => {
    const server = await startS3Server();
    t.after(() => server.close());
    await server.createBucket('own', { 'a.txt': 'a' });
    const environment = {
      ...{ AWS_REGION: S3_REGION, AWS_ACCESS_KEY_ID: S3_KEYS.accesskey },
      AWS_SECRET_ACCESS_KEY: S3_KEYS.secretkey,
    };
    const own = createIdentities({
      client: { get: () => Promise.reject(), request: () => Promise.reject() },
      ...{ objectLevel: false, allowLocal: true, environment, endpoints: clouds.endpoints },
      cache: { max: 10, maxAgeMs: 3_600_000 },
    });
    t.after(() => own.close());
    const { endpoint } = server;
    const spec = { interval: '1h', provider: 'aws', endpoint, bucketName: 'own', insecure: true };
    const object = { metadata: { namespace: 'apps', name: 'app' }, spec } as Bucket;
    const remote = await s3Remote(object, NO_SECRETS, own, signal);
    const what = { tenant: 'apps', remote, prefix: '', ignore: undefined, timeoutMs: 20_000 };
    assert.equal((await fetcher.list(what)).objects.length, 1);
    clouds.fault('aws-metadata', 'denied');
    const account = { ...object, spec: { ...spec, serviceAccountName: 'reader' } } as Bucket;
    await assert.rejects(s3Remote(account, NO_SECRETS, own, signal), {
      reason: 'AuthenticationFailed',
      message: /^AWS authentication failed: /,
    });
    clouds.fault('aws-metadata');
  });
});
