// Kustomizations whose data keys are wrapped by key management services.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, afterEach, before, test } from 'node:test';
import {
  type Kustomization,
  Kustomization as KustomizationKind,
  type KustomizationSpec,
  RECONCILE_REQUEST,
} from '@weir/api';
import { freePort } from '@weir/cluster';
import { ENDPOINTS, type Endpoints } from '@weir/identity';
import { type Clouds, startClouds } from '@weir/identity/testing';
import { GCP_KMS_SCOPE } from '@weir/kms';
import { type KmsServer, startKmsServer } from '@weir/kms/testing';
import { ConfigMap, Secret, ServiceAccount } from '@weir/kube';
import { createGoogleKey, startTokenServer, type TokenServer } from '@weir/oauth/testing';
import { buildDecryptor } from '@weir/render';
import { type Harness, startHarness } from './testing/harness.ts';
import { keepLog } from './testing/logs.ts';

const SECRET = 's3cret';
const SCOPE = 'https://vault.azure.net/.default';
const WRITING = { fieldManager: 'test', force: true };
let h: Harness;
let kms: KmsServer;
let tokens: TokenServer;
let clouds: Clouds;
const { log, lines } = keepLog('kustomize');

before(async () => {
  await buildDecryptor();
  [kms, tokens, clouds] = await Promise.all([startKmsServer(), startTokenServer(), startClouds()]);
  const endpoints: Endpoints = {
    ...clouds.endpoints,
    ...{ 'aws-kms': kms.url, 'gcp-kms': kms.url, 'azure-key-vault': kms.url },
  };
  const flags = {
    ...{ 'runtime-namespace': 'weir-system', 'sops-vault-configmap': 'vaults' },
    ...{ 'allow-local-addresses': 'true', 'feature-gates': 'ObjectLevelWorkloadIdentity=true' },
    'cloud-endpoints': ENDPOINTS.filter((name) => endpoints[name] !== undefined)
      .map((name) => `${name}=${endpoints[name]}`)
      .join(','),
  };
  h = await startHarness(flags, { log });
});
after(async () => {
  await h?.close();
  await Promise.all([kms?.close(), tokens?.close(), clouds?.close()]);
});
afterEach(() => {
  kms.intercept = undefined;
  kms.forbidden.clear();
});

async function sample(name: string): Promise<string> {
  const folder = new URL('../../libs/render/decryptor/testdata/', import.meta.url);
  const text = await readFile(new URL(`${name}.secret.yaml`, folder), 'utf8');
  return text
    .replace('https://weir.vault.azure.net', kms.url)
    .replace('https://vault.example', kms.url);
}

async function keep(namespace: string, stringData: object): Promise<void> {
  const metadata = { namespace, name: 'keys' };
  await h.client.apply(Secret, { apiVersion: 'v1', kind: 'Secret', metadata, stringData }, WRITING);
}

async function account(namespace: string, annotations: Record<string, string> = {}): Promise<void> {
  const metadata = { namespace, name: 'sops', annotations };
  const object = { apiVersion: 'v1', kind: 'ServiceAccount', metadata };
  await h.client.apply(ServiceAccount, object, WRITING);
}

const byKeys = { provider: 'sops', secretRef: { name: 'keys' } } as const;
const byAccount = { provider: 'sops', serviceAccountName: 'sops' } as const;

type Decryption = NonNullable<KustomizationSpec['decryption']>;
function kustomization(namespace: string, decryption: Decryption): Promise<Kustomization> {
  return h.kustomization(namespace, 'app', { targetNamespace: namespace, decryption });
}

/** Waits for a failure whose message has these words, across the line breaks that SOPS puts into its lists. */
function fails(namespace: string, ...words: string[]): Promise<Kustomization> {
  const parts = words.map((text) =>
    text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(' ', '[\\s|]+'),
  );
  return h.ready(namespace, 'app', 'False', new RegExp(parts.join('.*'), 's'));
}

async function password(namespace: string): Promise<string> {
  const secret = await h.find('v1', 'Secret', { namespace, name: 'whole' });
  return atob((secret as { data?: { password?: string } } | undefined)?.data?.password ?? '');
}

test('with what the decryption Secret holds for each cloud', async () => {
  const { json, publicKey } = createGoogleKey('sops@example.com', `${tokens.url}/token`);
  tokens.accounts.set('sops@example.com', publicKey);
  kms.tokens.add(tokens.tokenFor('sops@example.com', GCP_KMS_SCOPE));
  tokens.applications.set('app', { clientSecret: 'cl1ent' });
  kms.tokens.add(tokens.tokenFor('app', SCOPE));
  kms.users.set('AKID', { secretAccessKey: 'aws-s3cret-key' });
  const keys = {
    'sops.aws-kms': 'aws_access_key_id: AKID\naws_secret_access_key: aws-s3cret-key\n',
    'sops.gcp-kms': json,
    'sops.azure-kv': JSON.stringify({
      ...{ tenantId: 't', clientId: 'app', clientSecret: 'cl1ent', authorityHost: tokens.url },
    }),
  };
  for (const name of ['aws', 'gcp', 'azure']) {
    const ns = await h.namespace();
    await keep(ns, keys);
    await h.publish(ns, { 'a.yaml': await sample(name) });
    await kustomization(ns, byKeys);
    await h.ready(ns, 'app', 'True');
    assert.equal(await password(ns), SECRET, name);
  }
});

test('as an account of Azure, which is somebody in its own namespace only', async () => {
  const [ns, other] = [await h.namespace(), await h.namespace()];
  const client = '11111111-0000-0000-0000-000000000000';
  const tenant = '22222222-0000-0000-0000-000000000000';
  const annotations = {
    'azure.workload.identity/client-id': client,
    'azure.workload.identity/tenant-id': tenant,
  };
  clouds.trust(`system:serviceaccount:${ns}:sops`, { application: `${tenant}/${client}` });
  kms.accepts = (token) => clouds.secrets().includes(token);
  for (const namespace of [ns, other]) {
    await account(namespace, annotations);
    await h.publish(namespace, { 'a.yaml': await sample('azure') });
    await kustomization(namespace, byAccount);
  }
  await h.ready(ns, 'app', 'True');
  assert.equal(await password(ns), SECRET);
  await fails(
    other,
    'failed to decrypt sops data key with Azure Key Vault key',
    'failed to create provider access token for service account',
  );

  const nobody = await h.namespace();
  await h.publish(nobody, { 'a.yaml': await sample('azure') });
  kms.asked.length = 0;
  await kustomization(nobody, byAccount);
  await fails(nobody, 'failed to get service account');
  assert.equal(kms.asked.length, 0, 'the service itself is not asked for in its place');
});

/** The operator's list of Vaults: this one. */
async function list(address: string): Promise<void> {
  const metadata = { namespace: 'weir-system', name: 'vaults' };
  const data = {
    'config.yaml': `instances:\n- address: ${address}\n  loginPath: ns1/auth/kubernetes/login\n`,
  };
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
  await h.client.apply(ConfigMap, object, WRITING);
}

async function again(namespace: string): Promise<void> {
  const body = { metadata: { annotations: { [RECONCILE_REQUEST]: `${Math.random()}` } } };
  const ref = { namespace, name: 'app' };
  await h.client.patch(KustomizationKind, ref, body, { kind: 'merge' });
}

/** The account that a token of Kubernetes belongs to, for this audience; undefined if there is none. */
async function review(token: string, audience: string): Promise<string | undefined> {
  const { status } = await h.cluster.request<{
    status: { authenticated?: boolean; user?: { username?: string } };
  }>('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
    spec: { token, audiences: [audience] },
  });
  return status.authenticated ? status.user?.username : undefined;
}

test('as an account that logs in to a Vault that the operator lists', async () => {
  const ns = await h.namespace();
  await account(ns);
  await h.publish(ns, { 'a.yaml': await sample('vault') });
  await kustomization(ns, byAccount);
  await fails(ns, "failed to get Vault ConfigMap 'weir-system/vaults': it is not there");
  await list('https://vault.example');
  kms.asked.length = 0;
  await again(ns);
  await fails(
    ns,
    'no Vault login path configured for address',
    "in ConfigMap 'weir-system/vaults'",
  );
  assert.equal(kms.asked.length, 0, 'no token is shown to a server that is not listed');

  await list(kms.url);
  const roles: string[] = [];
  kms.login = async (role, jwt) => {
    roles.push(role);
    const isKnown = (await review(jwt, kms.url)) === `system:serviceaccount:${ns}:sops`;
    return isKnown && role === `${ns}_sops` ? 'hvs.account' : undefined;
  };
  await again(ns);
  await fails(ns, 'answered 403', 'the token may not use that key');
  kms.tokens.add('hvs.account');
  await again(ns);
  await h.ready(ns, 'app', 'True');
  assert.equal(await password(ns), SECRET);
  assert.equal(roles.at(-1), `${ns}_sops`);
  assert.ok(kms.asked.includes('vault /v1/ns1/auth/kubernetes/login'));
});

test('as an account whose annotations say how it logs in to a Vault, which nobody lists', async () => {
  await list('https://vault.example');
  const ns = await h.namespace();
  const engine = {
    'credential.auth.fluxcd.io/provider': 'kubernetes',
    'transit-engine.auth.fluxcd.io/login-path': 'ns2/auth/jwt/login',
    'transit-engine.auth.fluxcd.io/role': 'shop-secrets',
  };
  let audience = kms.url;
  kms.login = async (role, jwt) => {
    const isKnown = (await review(jwt, audience)) === `system:serviceaccount:${ns}:sops`;
    return isKnown && role === 'shop-secrets' ? 'hvs.annotated' : undefined;
  };
  kms.tokens.add('hvs.annotated');
  await account(ns, engine);
  await h.publish(ns, { 'a.yaml': await sample('vault') });
  kms.asked.length = 0;
  await kustomization(ns, byAccount);
  await h.ready(ns, 'app', 'True');
  assert.equal(await password(ns), SECRET);
  assert.equal(kms.asked[0], 'vault /v1/ns2/auth/jwt/login');

  // The operator of the server at the file's address could use a token for another audience there.
  audience = 'https://bao.example:8200';
  await account(ns, { ...engine, 'credential.auth.fluxcd.io/audiences': audience });
  await h.publish(ns, { 'a.yaml': await sample('vault'), 'more.txt': '1' });
  kms.asked.length = 0;
  await fails(ns, 'the account for decryption has tokens for others than', kms.url);
  assert.deepEqual(kms.asked, []);
  await list(kms.url);
  await again(ns);
  await h.ready(ns, 'app', 'True');
  assert.equal(kms.asked[0], 'vault /v1/ns2/auth/jwt/login', 'not at the path that is listed');

  await account(ns, { ...engine, 'transit-engine.auth.fluxcd.io/role': '' });
  await h.publish(ns, { 'a.yaml': await sample('vault'), 'second.txt': '1' });
  await fails(ns, 'has no annotation transit-engine.auth.fluxcd.io/role');
  await account(ns, { ...engine, 'credential.auth.fluxcd.io/provider': 'spiffe' });
  await h.publish(ns, { 'a.yaml': await sample('vault'), 'third.txt': '1' });
  kms.asked.length = 0;
  await fails(ns, "credential.auth.fluxcd.io/provider is 'spiffe'", "only 'kubernetes'");
  assert.deepEqual(kms.asked, [], 'and no token of Kubernetes is used in its place');
});

test('a service that refuses, is busy or is silent: the file, the key group and why, and nothing else', async () => {
  const ns = await h.namespace();
  kms.users.set('AKID', { secretAccessKey: 'aws-s3cret-key' });
  await keep(ns, {
    'sops.aws-kms': 'aws_access_key_id: AKID\naws_secret_access_key: aws-s3cret-key\n',
  });
  kms.forbidden.add('arn:aws:kms:eu-central-1:1234:key/abc-def');
  const files = {
    'kustomization.yaml':
      'secretGenerator: [{name: made, files: [blob=secret.enc.yaml]}]\npatches: [{path: p.yaml}]\nresources: [cm.yaml]',
    'cm.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n',
    'p.yaml': await sample('aws'),
    'secret.enc.yaml': 'plain',
  };
  await h.publish(ns, files);
  await kustomization(ns, byKeys);
  const forbidden = await fails(
    ns,
    'error decrypting sources: p.yaml: cannot get sops data key',
    'Group 0: FAILED',
    'arn:aws:kms:eu-central-1:1234:key/abc-def',
    'answered 400 (AccessDeniedException): the identity may not use that key',
  );
  const ready = forbidden.status?.conditions?.find(({ type }) => type === 'Ready');
  assert.equal(ready?.reason, 'BuildFailed');

  kms.intercept = () => true;
  await h.publish(ns, { ...files, 'more.txt': '1' });
  const silent = await fails(ns, 'p.yaml: cannot get sops data key', 'did not answer in time');
  kms.intercept = (_, response) => {
    response.writeHead(503).end('<html>no backend for AKID</html>');
    return true;
  };
  await h.publish(ns, { ...files, 'more.txt': '2' });
  const busy = await fails(ns, 'p.yaml: cannot get sops data key', 'answered 503');
  const text = JSON.stringify([forbidden, silent, busy, h.events, lines]);
  assert.match(lines.join(''), /answered 503/, 'failures are logged');
  assert.doesNotMatch(text, /aws-s3cret-key|AKID|User:/);
});

test('a service that is down: the object, the key group and where nobody listens', async () => {
  const ns = await h.namespace();
  await keep(ns, { 'sops.vault-token': 'hvs.t0ken-of-the-tenant' });
  const port = await freePort();
  const file = (await sample('vault')).replaceAll(kms.url, `http://127.0.0.1:${port}`);
  await h.publish(ns, { 'a.yaml': file });
  await kustomization(ns, byKeys);
  const down = await fails(
    ns,
    `failed to decrypt and format '${ns}/whole' Secret data: cannot get sops data key`,
    'Group 0: FAILED',
    `failed to decrypt sops data key with Vault: Vault at http://127.0.0.1:${port}: dial tcp: connect: connection refused`,
  );
  const ready = down.status?.conditions?.find(({ type }) => type === 'Ready');
  assert.equal(ready?.reason, 'BuildFailed');
  // The token is valid again: the failure is not remembered.
  kms.tokens.add('hvs.t0ken-of-the-tenant');
  await h.publish(ns, { 'a.yaml': await sample('vault') });
  await h.ready(ns, 'app', 'True');
  assert.equal(await password(ns), SECRET);
  const text = JSON.stringify([down, h.events, lines]);
  assert.match(lines.join(''), new RegExp(`127.0.0.1:${port}: dial tcp`), 'failures are logged');
  assert.doesNotMatch(text, /t0ken-of-the-tenant|s3cret/);
});
