// Who a service is in AWS, and what that opens, against servers that speak AWS's documented APIs.
import { deepEqual, doesNotMatch, equal, match, ok, rejects } from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { POD_TOKEN, unsignedToken } from './testing/index.ts';
import { openOwn, podClaims } from './testing/open.ts';

const OWN = { provider: 'aws', namespace: 'apps' } as const;
const ECR = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';
const ROLE = 'arn:aws:iam::123456789012:role/weir';

async function file(t: TestContext, content: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'weir-identity-'));
  t.after(() => rm(dir, { recursive: true }));
  const path = join(dir, 'token');
  await writeFile(path, content);
  return path;
}

async function webIdentity(t: TestContext): Promise<NodeJS.ProcessEnv> {
  const token = unsignedToken(podClaims('sts.amazonaws.com'));
  return { AWS_ROLE_ARN: ROLE, AWS_WEB_IDENTITY_TOKEN_FILE: await file(t, `${token}\n`) };
}

test('a pod with a role (IRSA) gets keys, and a login of ECR by them', async (t) => {
  const { clouds, open, signal } = await openOwn(t);
  clouds.trust('system:serviceaccount:weir-system:weir-source', { role: ROLE });
  const identities = open(await webIdentity(t));
  const login = await identities.registryLogin(OWN, ECR, signal);
  equal(login.username, 'AWS');
  match(login.password, /^ecr-login-of-weir-z{40}$/);
  ok(login.expiresAt > Date.now() + 3_000_000);
  const [sts] = clouds.calls('aws-sts');
  equal(new URLSearchParams(sts?.body).get('RoleArn'), ROLE);
  deepEqual(await identities.registryLogin(OWN, ECR, signal), login, 'it is kept');
  equal(clouds.calls().length, 2);
});

test('a pod with EKS Pod Identity', async (t) => {
  const { clouds, open, signal } = await openOwn(t);
  const identities = open({
    AWS_CONTAINER_CREDENTIALS_FULL_URI: clouds.pod,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: await file(t, POD_TOKEN),
    AWS_REGION: 'eu-west-1',
  });
  const keys = await identities.awsCredentials(OWN, {}, signal);
  match(keys.accessKeyId, /^ASIATEST/);
  const elsewhere = open({
    AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://example.com/credentials',
    AWS_REGION: 'eu-west-1',
  });
  await rejects(
    elsewhere.awsCredentials(OWN, {}, signal),
    /neither https nor an address of this node/,
  );
});

test('a node with a role (IMDSv2), for the public registry too', async (t) => {
  const { clouds, open, signal } = await openOwn(t);
  const identities = open({});
  const login = await identities.registryLogin(OWN, 'public.ecr.aws', signal);
  equal(login.username, 'AWS');
  deepEqual(
    clouds.calls('aws-metadata').map(({ method, path }) => `${method} ${path}`),
    [
      'PUT /aws-metadata/latest/api/token',
      'GET /aws-metadata/latest/meta-data/iam/security-credentials/',
      'GET /aws-metadata/latest/meta-data/iam/security-credentials/node-role',
    ],
  );
  match(
    String(clouds.calls('aws-ecr-public')[0]?.headers.authorization),
    /\/us-east-1\/ecr-public\//,
  );
  const off = open({ AWS_EC2_METADATA_DISABLED: 'true', AWS_REGION: 'eu-west-1' });
  await rejects(off.awsCredentials(OWN, {}, signal), /AWS_EC2_METADATA_DISABLED is true/);
});

test('keys in the environment, which need a region', async (t) => {
  const { clouds, open, signal } = await openOwn(t);
  const environment = { AWS_ACCESS_KEY_ID: 'AKIA1', AWS_SECRET_ACCESS_KEY: 'secret' };
  const identities = open(environment);
  const missing =
    /^failed to create provider access token for the controller: AWS_REGION environment variable is not set/;
  await rejects(identities.awsCredentials(OWN, {}, signal), {
    name: 'IdentityError',
    reason: 'InvalidConfiguration',
    message: missing,
  });
  const keys = await identities.awsCredentials(OWN, { region: 'eu-west-1' }, signal);
  deepEqual([keys.accessKeyId, keys.sessionToken], ['AKIA1', undefined]);
  equal(clouds.calls().length, 0);
  for (const region of ['eu-west-1.evil.com/', 'x', 'EU-WEST-1', '../..']) {
    await rejects(identities.awsCredentials(OWN, { region }, signal), /is no region of AWS/);
  }
});

test('what the services refuse is said, and nothing of keys or answers', async (t) => {
  const { clouds, open, signal } = await openOwn(t);
  const identities = open(await webIdentity(t));
  const denied = await identities.registryLogin(OWN, ECR, signal).catch((error: Error) => error);
  ok(denied instanceof Error);
  match(
    denied.message,
    /^failed to get access token for artifact registry: failed to create provider access token for the controller: AWS STS at http:\/\/127\.0\.0\.1:\d+ answered 403: AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity$/,
  );
  clouds.trust('system:serviceaccount:weir-system:weir-source', { role: ROLE });
  const faults = [
    ['denied', 'Denied', /answered 400: AccessDeniedException: this request was refused/, 1],
    ['throttled', 'Throttled', /answered 400: ThrottlingException/, 3],
    ['unavailable', 'Unavailable', /Amazon ECR at .* answered 503$/, 3],
    ['malformed', 'InvalidAnswer', /the answer of Amazon ECR is no JSON object$/, 1],
    ['html', 'InvalidAnswer', /is no JSON object$/, 1],
    ['empty', 'InvalidAnswer', /has no 'authorizationToken'$/, 1],
    ['huge', 'Unavailable', /more than 524288 bytes$/, 3],
    ['redirect', 'Denied', /answered 307$/, 1],
  ] as const;
  for (const [fault, reason, message, attempts] of faults) {
    clouds.fault('aws-ecr', fault);
    const before = clouds.calls('aws-ecr').length;
    const error = await identities.registryLogin(OWN, ECR, signal).catch((cause: Error) => cause);
    equal((error as { reason?: string }).reason, reason, fault);
    match(String((error as Error).message), message, fault);
    match((error as Error).message, /^failed to create artifact registry credentials: /);
    for (const secret of clouds.secrets()) ok(!(error as Error).message.includes(secret), fault);
    equal(clouds.calls('aws-ecr').length - before, attempts, fault);
  }
  clouds.fault('aws-ecr');
  equal((await identities.registryLogin(OWN, ECR, signal)).username, 'AWS');
});

test('a service that hangs ends with the limit of an attempt, and with who asked', async (t) => {
  const { clouds, open, signal } = await openOwn(t);
  clouds.fault('aws-sts', 'hang');
  const identities = open(await webIdentity(t), { network: { firstPauseMs: 1, attemptMs: 50 } });
  const late = /AWS STS at .*: no answer within 50 ms$/;
  await rejects(identities.registryLogin(OWN, ECR, signal), {
    reason: 'Unavailable',
    message: late,
  });
  const patient = open(await webIdentity(t));
  const stop = AbortSignal.timeout(50);
  await rejects(patient.registryLogin(OWN, ECR, stop), { name: 'TimeoutError' });
});

test('keys that are over when they come are no keys', async (t) => {
  const { clouds, open, signal } = await openOwn(t);
  clouds.trust('system:serviceaccount:weir-system:weir-source', { role: ROLE });
  clouds.live(-1_000);
  const identities = open(await webIdentity(t));
  await rejects(identities.registryLogin(OWN, ECR, signal), {
    reason: 'InvalidAnswer',
    message: /the token that was given has expired$/,
  });
});

test('the file of a token that is missing or empty is a failure, and no other identity is tried', async (t) => {
  const { clouds, open, signal } = await openOwn(t);
  const paths = [await file(t, ' \n'), '/nowhere/token'];
  for (const path of paths) {
    const identities = open({ AWS_ROLE_ARN: ROLE, AWS_WEB_IDENTITY_TOKEN_FILE: path });
    await rejects(identities.registryLogin(OWN, ECR, signal), {
      reason: 'InvalidConfiguration',
      message: /the file of AWS_WEB_IDENTITY_TOKEN_FILE (is empty|can't be read)$/,
    });
  }
  equal(clouds.calls().length, 0);
});

test('a login of CodeCommit is a signature as git-remote-codecommit makes it', async (t) => {
  const { open, signal } = await openOwn(t);
  const environment = {
    AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    AWS_SESSION_TOKEN: 'session',
  };
  const at = Date.UTC(2026, 10, 25, 3, 4, 5);
  const identities = open(environment, { now: () => at });
  const url = 'https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/app';
  const login = await identities.gitLogin(OWN, url, signal);
  ok('username' in login);
  equal(login.username, 'AKIAIOSFODNN7EXAMPLE%session');
  // Made by the vendor's signer for Go (smithy-go's aws-http-auth 1.2.1) of the same request.
  equal(
    login.password,
    '20261125T030405Z99b4c745a0c5018d1e989137ea778668d05195dea30cee325d0cf0143084e80f',
  );
  equal(login.expiresAt, at + 15 * 60_000);
  const other = await identities.gitLogin(OWN, `${url}2`, signal);
  ok('password' in other && other.password !== login.password, 'each URL has its own');
  doesNotMatch(JSON.stringify(login), /wJalr/);
});
