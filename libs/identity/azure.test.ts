// Who a service is in Azure, and what that opens, against servers that speak Azure's documented APIs.
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { createRsaCertificate } from '@weir/cluster';
import { AZURE_SCOPES } from './index.ts';
import { type Clouds, NODE_CLIENT, unsignedToken } from './testing/index.ts';
import { claims } from './testing/jwt.ts';
import { openOwn, podClaims } from './testing/open.ts';

const OWN = { provider: 'azure', namespace: 'apps' } as const;
const IDS = { AZURE_TENANT_ID: 'tenant-1', AZURE_CLIENT_ID: 'client-1' };
const SUBJECT = 'system:serviceaccount:weir-system:weir-source';

async function file(t: TestContext, content: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'weir-identity-'));
  t.after(() => rm(dir, { recursive: true }));
  const path = join(dir, 'file');
  await writeFile(path, content);
  return path;
}

async function workloadIdentity(t: TestContext): Promise<NodeJS.ProcessEnv> {
  const token = unsignedToken(podClaims('api://AzureADTokenExchange'));
  return { ...IDS, AZURE_FEDERATED_TOKEN_FILE: await file(t, token) };
}

/** Lets this process trust the registry of the test. */
function trustRegistry(t: TestContext, clouds: Clouds): void {
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, clouds.ca]);
  t.after(() => setDefaultCACertificates(before));
}

test('a pod with a workload identity gets a token, a secret and a node too', async (t) => {
  const { clouds, open, signal } = await openOwn(t);
  clouds.trust(SUBJECT, { application: 'tenant-1/client-1' });
  const scope = AZURE_SCOPES.devOps;
  const pod = open(await workloadIdentity(t));
  const { token, expiresAt } = await pod.accessToken(OWN, { scope }, signal);
  ok(token.startsWith('eyJ') && expiresAt > Date.now());
  equal((await pod.accessToken(OWN, { scope }, signal)).token, token, 'it is kept');
  const other = await pod.accessToken(OWN, { scope: AZURE_SCOPES.blobStorage }, signal);
  ok(other.token !== token, 'each scope has its own');

  const secret = open({ ...IDS, AZURE_CLIENT_SECRET: 'secret-of-tenant-1/client-1' });
  ok((await secret.accessToken(OWN, { scope }, signal)).token);
  equal(clouds.calls('azure-authority').length, 3);

  const node = open({});
  ok((await node.accessToken(OWN, { scope }, signal)).token);
  const chosen = open({ AZURE_CLIENT_ID: NODE_CLIENT });
  ok((await chosen.accessToken(OWN, { scope }, signal)).token);
  const [first] = clouds.calls('azure-metadata');
  const query = new URL(first?.path ?? '', 'http://test').searchParams;
  equal(query.get('resource'), '499b84ac-1321-427f-aa17-267ca6975798');
});

test('what is set up and refused is a failure, and no other identity is tried', async (t) => {
  const { clouds, open, signal } = await openOwn(t);
  const scope = AZURE_SCOPES.devOps;
  const refused = open(await workloadIdentity(t));
  await rejects(refused.accessToken(OWN, { scope }, signal), {
    reason: 'Denied',
    status: 401,
    message:
      /^failed to create provider access token for the controller: Microsoft Entra at .* answered 401: invalid_client: AADSTS700213: No matching federated identity record found/,
  });
  const half = open({ AZURE_FEDERATED_TOKEN_FILE: '/nowhere' });
  await rejects(
    half.accessToken(OWN, { scope }, signal),
    /the workload identity is not set up whole$/,
  );
  const wrong = open({ AZURE_CLIENT_ID: 'somebody' });
  await rejects(
    wrong.accessToken(OWN, { scope }, signal),
    /answered 400: invalid_request: Identity not found$/,
  );
  equal(clouds.calls('azure-metadata').length, 1);
});

test('faults of Entra', async (t) => {
  const { clouds, open, signal } = await openOwn(t);
  clouds.trust(SUBJECT, { application: 'tenant-1/client-1' });
  const identities = open(await workloadIdentity(t));
  const scope = AZURE_SCOPES.devOps;
  const faults = [
    ['denied', 'Denied', 1],
    ['throttled', 'Throttled', 3],
    ['unavailable', 'Unavailable', 3],
    ['malformed', 'InvalidAnswer', 1],
    ['html', 'InvalidAnswer', 1],
    ['empty', 'InvalidAnswer', 1],
    ['huge', 'Unavailable', 3],
    ['redirect', 'Denied', 1],
  ] as const;
  for (const [fault, reason, attempts] of faults) {
    clouds.fault('azure-authority', fault);
    const before = clouds.calls().length;
    await rejects(identities.accessToken(OWN, { scope }, signal), (error: Error) => {
      equal((error as { reason?: string }).reason, reason, `${fault}: ${error.message}`);
      ok(!/eyJ/.test(error.message), error.message);
      return true;
    });
    equal(clouds.calls().length - before, attempts, fault);
  }
});

test('a registry gives a login for a token of its scope', async (t) => {
  const { clouds, open, signal } = await openOwn(t);
  trustRegistry(t, clouds);
  clouds.trust(SUBJECT, { application: 'tenant-1/client-1' });
  const path = await file(t, clouds.environmentFile);
  const environment = { ...(await workloadIdentity(t)), AZURE_ENVIRONMENT_FILEPATH: path };
  const identities = open(environment);
  const login = await identities.registryLogin(OWN, clouds.azureRegistry, signal);
  equal(login.username, '00000000-0000-0000-0000-000000000000');
  match(login.password, /^eyJ/);
  const [call] = clouds.calls('azure-registry');
  equal(new URLSearchParams(call?.body).get('service'), clouds.azureRegistry);
  deepEqual(await identities.registryLogin(OWN, clouds.azureRegistry, signal), login);
  equal(clouds.calls('azure-registry').length, 1);
  clouds.fault('azure-registry', 'denied');
  const again = open(environment);
  const refused =
    /failed to create artifact registry credentials: Azure Container Registry at .* answered 401: UNAUTHORIZED/;
  await rejects(again.registryLogin(OWN, clouds.azureRegistry, signal), refused);
});

test('Azure DevOps gets a token, and nobody else', async (t) => {
  const { clouds, open, signal } = await openOwn(t);
  const identities = open({});
  for (const url of [
    'https://dev.azure.com/acme/app/_git/app',
    'https://acme.visualstudio.com/app/_git/app',
  ]) {
    const login = await identities.gitLogin(OWN, url, signal);
    ok('bearerToken' in login && login.bearerToken.startsWith('eyJ'));
  }
  const before = clouds.calls().length;
  for (const url of [
    'https://dev.azure.com.evil.example/acme',
    'https://evil.example/dev.azure.com',
    'https://dev.azure.com@evil.example/acme',
    'http://dev.azure.com/acme',
    'https://dev.azure.com:8443/acme',
    'https://x.visualstudio.com.evil.example/a',
  ]) {
    await rejects(identities.gitLogin(OWN, url, signal), /is not Azure DevOps/, url);
  }
  equal(clouds.calls().length, before, 'nobody is asked for a token');
  const own = open(
    {},
    { endpoints: { ...clouds.endpoints, 'azure-devops': 'https://git.acme.example' } },
  );
  ok('bearerToken' in (await own.gitLogin(OWN, 'https://git.acme.example/c/_git/app', signal)));
});

test('a certificate of an application signs who it is', async (t) => {
  const { clouds, open, signal } = await openOwn(t);
  const { certificate, key } = await createRsaCertificate('client-1');
  const path = await file(t, `${certificate}\n${key}`);
  const environment = { ...IDS, AZURE_CLIENT_CERTIFICATE_PATH: path };
  const scope = AZURE_SCOPES.devOps;
  // The server doesn't know this certificate and refuses; what counts is what it was sent.
  await rejects(
    open(environment).accessToken(OWN, { scope }, signal),
    /answered 401: invalid_client/,
  );
  const [call] = clouds.calls('azure-authority');
  const assertion = claims(new URLSearchParams(call?.body).get('client_assertion') ?? '');
  deepEqual([assertion.iss, assertion.sub], ['client-1', 'client-1']);
  match(String(assertion.aud), /\/tenant-1\/oauth2\/v2\.0\/token$/);
  const broken = { ...IDS, AZURE_CLIENT_CERTIFICATE_PATH: await file(t, certificate) };
  await rejects(open(broken).accessToken(OWN, { scope }, signal), {
    reason: 'InvalidConfiguration',
    message: /AZURE_CLIENT_CERTIFICATE_PATH.*no private key/,
  });
});
