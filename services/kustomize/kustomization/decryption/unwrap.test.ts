// Data keys that key management services of clouds wrapped, unwrapped with the credentials of a Secret or with the
// identity of the service.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { createIdentities, type Identities } from '@weir/identity';
import { type Clouds, startClouds } from '@weir/identity/testing';
import { GCP_KMS_SCOPE } from '@weir/kms';
import { type KmsServer, startKmsServer, wrap } from '@weir/kms/testing';
import { type Connections, keepConnections } from '@weir/net';
import { parseGoogleKey } from '@weir/oauth';
import { createGoogleKey, startTokenServer, type TokenServer } from '@weir/oauth/testing';
import type { WrappedKey } from '@weir/render';
import { NO_CLOUD_KEYS } from './cloud-keys.ts';
import type { Credentials } from './credentials.ts';
import { createDecryptionServices, type DecryptionServices } from './services.ts';
import { createUnwrap } from './unwrap.ts';

const ARN = 'arn:aws:kms:eu-central-1:1234:key/abc-def';
const RESOURCE = 'projects/p/locations/global/keyRings/r/cryptoKeys/k';
const VAULT = 'https://vault.azure.net/.default';
const KEY = 'data key';
const { signal } = new AbortController();

let kms: KmsServer;
let tokens: TokenServer;
let clouds: Clouds;
let identities: Identities;
let services: DecryptionServices;
let connections: Connections;
before(async () => {
  [kms, tokens, clouds] = await Promise.all([startKmsServer(), startTokenServer(), startClouds()]);
  const nobody = () => Promise.reject(new Error('Kubernetes was asked'));
  const client = { get: nobody, request: nobody } as unknown as DecryptionServices['client'];
  const environment = {
    ...{ AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'OWN', AWS_SECRET_ACCESS_KEY: 'own' },
  };
  identities = createIdentities({
    ...{ client, objectLevel: false, allowLocal: true, environment },
    ...{ endpoints: clouds.endpoints, cache: { max: 100, maxAgeMs: 3_600_000 } },
  });
  services = createDecryptionServices({
    ...{ client, identities, vaultConfigMap: undefined, allowLocal: true, environment: {} },
    endpoints: {
      ...{ 'aws-kms': kms.url, 'aws-sts': kms.url, 'gcp-kms': kms.url },
      ...{ 'azure-key-vault': kms.url, 'azure-metadata': tokens.url },
    },
  });
  connections = keepConnections({ allowLocal: true });
});
after(async () => {
  connections?.close();
  services?.close();
  identities?.close();
  await Promise.all([kms?.close(), tokens?.close(), clouds?.close()]);
});
beforeEach(() => {
  kms.asked.length = 0;
  tokens.given.length = 0;
});

function unwrapWith(own: Partial<Credentials['clouds']> = {}, vaultToken?: string) {
  const credentials: Credentials = {
    ...{ keys: { origin: '', age: [], pgp: [] }, vaultToken, clouds: { ...NO_CLOUD_KEYS, ...own } },
    account: { namespace: 'apps', serviceAccountName: undefined },
  };
  const unwrap = createUnwrap(services, credentials, connections);
  return async (key: WrappedKey) => (await unwrap(key, signal)).toString();
}

const aws = (role?: string): WrappedKey => ({
  ...{ kind: 'aws', name: ARN, wrapped: wrap(ARN, KEY), context: { app: 'shop' } },
  ...(role === undefined ? {} : { role }),
});
const gcp: WrappedKey = { kind: 'gcp', name: RESOURCE, wrapped: wrap(RESOURCE, KEY) };
const azure = (address = kms.url): WrappedKey => ({
  ...{ kind: 'azure', address, name: 'k', version: '1', wrapped: wrap('k', KEY, 'base64url') },
});

test('AWS: keys of a Secret, the role of a key once for a build, and the service itself', async () => {
  kms.users.set('AKID', { secretAccessKey: 's3cret' }).set('OWN', { secretAccessKey: 'own' });
  const unwrap = unwrapWith({ aws: { accessKeyId: 'AKID', secretAccessKey: 's3cret' } });
  assert.equal(await unwrap(aws()), KEY);
  const role = 'arn:aws:iam::1234:role/sops';
  const keys = { accessKeyId: 'ROLE', secretAccessKey: 'role', sessionToken: 'session' };
  kms.users.set('ROLE', keys);
  kms.roles.set(role, keys);
  for (let file = 0; file < 3; file++) assert.equal(await unwrap(aws(role)), KEY);
  assert.equal(kms.asked.filter((it) => it.startsWith('sts')).length, 1);
  assert.equal(await unwrapWith()(aws()), KEY);
  const wrong = unwrapWith({ aws: { accessKeyId: 'AKID', secretAccessKey: 'wr0ng' } });
  await assert.rejects(wrong(aws()), (error: Error) => {
    assert.match(
      error.message,
      /^failed to decrypt sops data key with AWS KMS: AWS KMS at 127.* answered 400 \(InvalidSig/,
    );
    return !/wr0ng|OWN/.test(error.message);
  });
  assert.equal(kms.asked.at(-1), `aws ${ARN} {"app":"shop"}`, 'and nobody else is tried');
});

test('Google: a key of a Secret, whose token is kept, and the service itself', async () => {
  const { json, publicKey } = createGoogleKey('sops@example.com', `${tokens.url}/token`);
  tokens.accounts.set('sops@example.com', publicKey);
  kms.tokens.add(tokens.tokenFor('sops@example.com', GCP_KMS_SCOPE));
  for (let build = 0; build < 3; build++) {
    assert.equal(await unwrapWith({ gcp: parseGoogleKey(json) })(gcp), KEY);
  }
  assert.equal(tokens.given.length, 1);
  const own = await identities.accessToken({ provider: 'gcp', namespace: 'apps' }, {}, signal);
  await assert.rejects(
    unwrapWith()(gcp),
    /^KmsError: failed to decrypt sops data key with GCP KMS key: .* answered 401/,
  );
  kms.tokens.add(own.token);
  assert.equal(await unwrapWith()(gcp), KEY);
});

test('Azure: an application, a managed identity and the service itself', async () => {
  tokens.applications.set('app', { clientSecret: 's3cret' });
  const application = { tenantId: 't', clientId: 'app', authorityHost: tokens.url };
  kms.tokens.add(tokens.tokenFor('app', VAULT));
  assert.equal(
    await unwrapWith({ azure: { ...application, clientSecret: 's3cret' } })(azure()),
    KEY,
  );
  tokens.identities.add('machine');
  kms.tokens.add(tokens.tokenFor('machine', 'https://vault.azure.net'));
  assert.equal(await unwrapWith({ azure: { clientId: 'machine' } })(azure()), KEY);
  const subject = { provider: 'azure', namespace: 'apps' } as const;
  kms.tokens.add((await identities.accessToken(subject, { scope: VAULT }, signal)).token);
  assert.equal(await unwrapWith()(azure()), KEY);
});

test('Azure: a vault that a file makes up gets no token of anybody', async () => {
  tokens.identities.add('machine');
  clouds.fault('azure-metadata');
  const before = clouds.calls('azure-metadata').length;
  for (const login of [{ clientId: 'machine' }, undefined]) {
    await assert.rejects(
      unwrapWith({ azure: login })(azure('https://evil.example')),
      /has no address of Azure Key Vault/,
    );
  }
  assert.deepEqual([tokens.given, kms.asked], [[], []]);
  assert.equal(clouds.calls('azure-metadata').length, before);
});

test('an identity that can not be had is a failure that names the key', async () => {
  clouds.fault('gcp-metadata', 'denied');
  const fresh = createIdentities({
    client: { get: () => Promise.reject(), request: () => Promise.reject() },
    ...{ objectLevel: false, allowLocal: true, environment: {}, endpoints: clouds.endpoints },
    ...{ cache: { max: 1, maxAgeMs: 1 }, network: { firstPauseMs: 1, attemptMs: 10_000 } },
  });
  const credentials: Credentials = {
    ...{ keys: { origin: '', age: [], pgp: [] }, vaultToken: undefined, clouds: NO_CLOUD_KEYS },
    account: { namespace: 'apps', serviceAccountName: undefined },
  };
  const unwrap = createUnwrap({ ...services, identities: fresh }, credentials, connections);
  await assert.rejects(
    unwrap(gcp, signal),
    /^KmsError: failed to decrypt sops data key with GCP KMS key: failed to create provider access token/,
  );
  const named = { ...credentials, account: { namespace: 'apps', serviceAccountName: 'reader' } };
  const asReader = createUnwrap({ ...services, identities: fresh }, named, connections);
  for (const key of [aws(), gcp, azure()]) {
    await assert.rejects(
      asReader(key, signal),
      /ObjectLevelWorkloadIdentity feature gate is not enabled/,
    );
  }
  assert.deepEqual(kms.asked, []);
  fresh.close();
  clouds.fault('gcp-metadata');
});

test('Vault: with a token of a Secret, and without one', async () => {
  kms.tokens.add('hvs.token');
  const wrapped = `vault:v1:${Buffer.from(KEY).toString('base64')}`;
  const key: WrappedKey = { kind: 'vault', address: kms.url, path: 'sops', name: 'first', wrapped };
  assert.equal(await unwrapWith({}, 'hvs.token')(key), KEY);
  await assert.rejects(
    unwrapWith()(key),
    /no token for Vault: add sops\.vault-token .*login-path and role, or --sops-vault-configmap/,
  );
});
