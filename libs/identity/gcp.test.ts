// Who a service is in Google Cloud, and what that opens, against servers that speak its documented APIs.
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { listen } from '@weir/cluster';
import { POOL, unsignedToken } from './testing/index.ts';
import { claims } from './testing/jwt.ts';
import { openOwn, podClaims } from './testing/open.ts';

const OWN = { provider: 'gcp', namespace: 'apps' } as const;
const REGISTRY = 'europe-west1-docker.pkg.dev';
const SUBJECT = 'system:serviceaccount:weir-system:weir-source';

async function files(t: TestContext, contents: Record<string, string>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'weir-identity-'));
  t.after(() => rm(dir, { recursive: true }));
  for (const [name, content] of Object.entries(contents)) await writeFile(join(dir, name), content);
  return dir;
}

test('the metadata server gives a token, which is the login of registries', async (t) => {
  const { clouds, open, signal } = await openOwn(t);
  const identities = open({});
  for (const registry of [REGISTRY, 'gcr.io', 'eu.gcr.io']) {
    const login = await identities.registryLogin(OWN, registry, signal);
    equal(login.username, 'oauth2accesstoken');
    match(login.password, /^ya29\./);
  }
  equal(clouds.calls('gcp-metadata').length, 1);
});

test('a server that is not Google has no metadata', async (t) => {
  const { open, signal } = await openOwn(t);
  const other = await listen((_, response) =>
    response.end('{"access_token":"x","expires_in":3600}'),
  );
  t.after(() => other.close());
  const identities = open({}, { endpoints: { 'gcp-metadata': other.url } });
  await rejects(identities.accessToken(OWN, {}, signal), {
    reason: 'InvalidAnswer',
    message: /is not what answered$/,
  });
});

test('a workload identity pool (external_account), with and without an account of Google', async (t) => {
  const { clouds, open, signal } = await openOwn(t);
  const email = 'weir@acme.iam.gserviceaccount.com';
  clouds.trust(SUBJECT, { email });
  const audience = `//iam.googleapis.com/${POOL}`;
  const token = unsignedToken(podClaims(audience));
  const config = {
    ...{ type: 'external_account', audience },
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  };
  const dir = await files(t, { token, 'token.json': JSON.stringify({ id: token }) });
  const source = { credential_source: { file: join(dir, 'token') } };
  const format = { type: 'json', subject_token_field_name: 'id' };
  const asJson = { credential_source: { file: join(dir, 'token.json'), format } };
  const impersonation = `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${email}:generateAccessToken`;
  const path = (name: string, content: object) =>
    writeFile(join(dir, name), JSON.stringify(content)).then(() => ({
      GOOGLE_APPLICATION_CREDENTIALS: join(dir, name),
    }));
  const direct = open(await path('direct', { ...config, ...source }));
  ok((await direct.accessToken(OWN, {}, signal)).token);
  equal(clouds.calls('gcp-iam-credentials').length, 0);
  const as = open(
    await path('as', { ...config, ...asJson, service_account_impersonation_url: impersonation }),
  );
  ok((await as.accessToken(OWN, {}, signal)).token);
  equal(clouds.calls('gcp-iam-credentials').length, 1);
  const wrong = open(await path('wrong', { type: 'authorized_user' }));
  await rejects(wrong.accessToken(OWN, {}, signal), /is of no type that is read/);
  const stranger = impersonation.replace('weir@', 'admin@');
  const denied = open(
    await path('denied', { ...config, ...source, service_account_impersonation_url: stranger }),
  );
  await rejects(denied.accessToken(OWN, {}, signal), {
    reason: 'Denied',
    message:
      /Google IAM at .* answered 403: PERMISSION_DENIED: Permission 'iam\.serviceAccounts\.getAccessToken' denied/,
  });
});

test('a key of an account (service_account) signs who it is', async (t) => {
  const { open, signal } = await openOwn(t);
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  let assertion = '';
  const tokens = await listen(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    assertion = new URLSearchParams(body).get('assertion') ?? '';
    response.end('{"access_token":"ya29.of-a-key","expires_in":3600}');
  });
  t.after(() => tokens.close());
  const key = {
    ...{
      type: 'service_account',
      client_email: 'k@acme.iam.gserviceaccount.com',
      token_uri: tokens.url,
    },
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  };
  const dir = await files(t, {
    key: JSON.stringify(key),
    broken: JSON.stringify({ ...key, private_key: 'x' }),
  });
  const identities = open({ GOOGLE_APPLICATION_CREDENTIALS: join(dir, 'key') });
  equal((await identities.accessToken(OWN, {}, signal)).token, 'ya29.of-a-key');
  equal(claims(assertion).iss, 'k@acme.iam.gserviceaccount.com');
  const broken = open({ GOOGLE_APPLICATION_CREDENTIALS: join(dir, 'broken') });
  await rejects(broken.accessToken(OWN, {}, signal), /private_key.*can not be read$/);
});

test('faults of the metadata server', async (t) => {
  const { clouds, open, signal } = await openOwn(t);
  const identities = open({}, { network: { firstPauseMs: 1, attemptMs: 100 } });
  const faults = [
    ['denied', 'Denied'],
    ['throttled', 'Throttled'],
    ['unavailable', 'Unavailable'],
    ['hang', 'Unavailable'],
    ['huge', 'Unavailable'],
    ['html', 'InvalidAnswer'],
    ['redirect', 'Denied'],
  ] as const;
  const reasons: [string, string | undefined][] = [];
  for (const [fault] of faults) {
    clouds.fault('gcp-metadata', fault);
    const error = await identities.accessToken(OWN, {}, signal).catch((cause: unknown) => cause);
    reasons.push([fault, (error as { reason?: string }).reason]);
  }
  deepEqual(
    reasons,
    faults.map((it) => [...it]),
  );
});
