// A login is sent to the host of a registry, a repository or a token service. A host that only looks like one of the
// cloud must not get it.
import { deepEqual, doesNotThrow, equal, ok, rejects, throws } from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkStsEndpoint,
  codeCommitRegionOf,
  ecrRegistryOf,
  eksClusterOf,
  regionalUrl,
} from './aws/regions.ts';
import { sessionNameOf } from './aws/sts.ts';
import { aksPath } from './azure/aks.ts';
import { checkRegistry } from './azure/cloud.ts';
import { clusterAddress } from './clusters.ts';
import type { CloudContext } from './context.ts';
import { readEndpoints } from './endpoints.ts';
import { checkGcpRegistry } from './gcp/registry.ts';
import { shown } from './shown.ts';

const INVALID = { name: 'IdentityError', reason: 'InvalidConfiguration' };
const ECR = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';

test('registries of AWS, in each partition', () => {
  deepEqual(ecrRegistryOf('public.ecr.aws'), { region: 'us-east-1', isPublic: true });
  const regions: Record<string, string> = {
    [ECR]: 'eu-west-1',
    '123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn': 'cn-north-1',
    '123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com': 'us-gov-west-1',
    '123456789012.dkr-ecr.us-east-2.on.aws': 'us-east-2',
    '123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov': 'us-iso-east-1',
  };
  for (const [host, region] of Object.entries(regions)) equal(ecrRegistryOf(host).region, region);
  equal(regionalUrl('api.ecr', 'cn-north-1'), 'https://api.ecr.cn-north-1.amazonaws.com.cn');
  equal(regionalUrl('sts', 'us-iso-east-1'), 'https://sts.us-iso-east-1.c2s.ic.gov');
});

/** What tenants could put before, after and into a real host of the cloud. */
function lookalikes(host: string): string[] {
  return [
    `${host}.evil.example`,
    `evil.example/${host}`,
    `evil.example?${host}`,
    `evil.example#${host}`,
    `evil.example:443@${host}`,
    `user@${host}`,
    `${host}:8443`,
    `${host}.`,
    `${host}/`,
    `evil.example\\${host}`,
    `evil.example\n${host}`,
    host.replace('.', '%2e'),
    host.toUpperCase(),
    ` ${host}`,
    '127.0.0.1',
    '169.254.169.254',
    '[::1]',
    '',
  ];
}

test('hosts that only look like registries get no login', async () => {
  const context = {
    environment: {},
    readFile: () => Promise.reject(new Error('no file')),
  } as unknown as CloudContext;
  for (const host of lookalikes(ECR)) throws(() => ecrRegistryOf(host), INVALID, host);
  for (const host of [`a.${ECR}`, `${ECR}cn`, '123456789012.dkr.ecr.a/b.amazonaws.com']) {
    throws(() => ecrRegistryOf(host), INVALID, host);
  }
  for (const host of ['gcr.io', 'eu.gcr.io', 'europe-west1-docker.pkg.dev']) {
    doesNotThrow(() => checkGcpRegistry(host), host);
    for (const other of lookalikes(host)) throws(() => checkGcpRegistry(other), INVALID, other);
  }
  throws(() => checkGcpRegistry('evilgcr.io'), INVALID);
  throws(() => checkGcpRegistry('evil.docker.pkg.dev'), INVALID);
  await checkRegistry(context, 'acme.azurecr.io');
  for (const host of [...lookalikes('acme.azurecr.io'), 'azurecr.io', '.azurecr.io']) {
    await rejects(checkRegistry(context, host), INVALID, host);
  }
});

test('a registry of a private cloud of Azure ends like the file says, after a dot', async () => {
  const content = {
    ...{ resourceManagerEndpoint: 'https://management.local', tokenAudience: 'https://management' },
    containerRegistryDNSSuffix: 'azurecr.local',
  };
  const contextOf = (file: object) =>
    ({
      environment: { AZURE_ENVIRONMENT_FILEPATH: '/azure.json' },
      readFile: async () => JSON.stringify(file),
    }) as unknown as CloudContext;
  await checkRegistry(contextOf(content), 'acme.azurecr.local');
  for (const host of ['evilazurecr.local', ...lookalikes('acme.azurecr.local')]) {
    await rejects(checkRegistry(contextOf(content), host), INVALID, host);
  }
  const { containerRegistryDNSSuffix: _, ...rest } = content;
  await rejects(checkRegistry(contextOf(rest), 'acme.azurecr.local'), /containerRegistryDNSSuffix/);
  await rejects(checkRegistry(contextOf({}), 'acme.azurecr.local'), /resourceManagerEndpoint/);
});

test('repositories of CodeCommit', () => {
  const host = 'git-codecommit.eu-west-1.amazonaws.com';
  const regionOf = (url: string) => codeCommitRegionOf(new URL(url));
  equal(regionOf(`https://${host}/v1/repos/app`), 'eu-west-1');
  equal(regionOf('https://git-codecommit.cn-north-1.amazonaws.com.cn/v1/repos/app'), 'cn-north-1');
  for (const url of [
    `http://${host}/v1/repos/app`,
    `https://${host}.evil.example/`,
    `https://evil.example/${host}`,
    `https://${host}@evil.example/`,
    `https://${host}:8443/`,
    'https://git-codecommit.x.s3.amazonaws.com/',
    'https://git-codecommit.amazonaws.com/',
  ]) {
    throws(() => regionOf(url), INVALID, url);
  }
});

test('token services and clusters that objects name', () => {
  for (const endpoint of [
    'https://sts.amazonaws.com',
    'https://sts.eu-west-1.amazonaws.com',
    'https://vpce-1-2.sts.us-east-1.vpce.amazonaws.com',
  ]) {
    doesNotThrow(() => checkStsEndpoint(endpoint), endpoint);
  }
  for (const endpoint of [
    'https://sts.amazonaws.com.evil.example',
    'http://sts.amazonaws.com',
    'https://evil.example/?.sts.amazonaws.com',
    'https://evil.example#sts.amazonaws.com',
    'https://a@evil.example:1/sts.amazonaws.com',
  ]) {
    throws(() => checkStsEndpoint(endpoint), INVALID, endpoint);
  }
  deepEqual(eksClusterOf('arn:aws:eks:eu-west-1:1:cluster/prod'), {
    ...{ region: 'eu-west-1', name: 'prod' },
  });
  for (const arn of [
    'arn:aws:eks:evil.example/x:1:cluster/a',
    'arn:aws:eks:eu-west-1:1:cluster/../a',
    'prod',
  ]) {
    throws(() => eksClusterOf(arn), INVALID, arn);
  }
  const id =
    '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/';
  equal(aksPath(`${id}prod`), `${id}prod`);
  for (const bad of [`${id}a/../b`, `${id}a?x`, `https://evil.example${id}a`]) {
    throws(() => aksPath(bad), INVALID, bad);
  }
  equal(clusterAddress('Prod.Example'), 'https://prod.example:443');
  for (const address of ['http://prod.example', 'https://user:pw@prod.example', '']) {
    throws(() => clusterAddress(address), INVALID, address);
  }
});

test('names of sessions are as Flux has them where AWS takes them, and unique where it would not', () => {
  const of = (name: string, namespace: string) => sessionNameOf({ name, namespace }, 'eu-west-1');
  equal(of('app', 'apps'), 'app.apps.eu-west-1.fluxcd.io');
  const long = [of('a'.repeat(63), 'apps'), of('a'.repeat(63), 'other')];
  for (const name of long)
    ok(/^[\w+=,.@-]{2,64}$/.test(name) && name.endsWith('.eu-west-1.fluxcd.io'));
  ok(long[0] !== long[1]);
});

test('endpoints of settings and of the environment', () => {
  const environment = {
    AWS_ENDPOINT_URL_STS: 'https://sts.local/',
    GCE_METADATA_HOST: 'metadata:80',
  };
  deepEqual(readEndpoints(['aws-sts=https://other.local', 'gcp-sts=http://a/b/'], environment), {
    ...{ 'aws-sts': 'https://other.local', 'gcp-metadata': 'http://metadata' },
    'gcp-sts': 'http://a/b',
  });
  for (const item of [
    'aws=https://x',
    'aws-sts=x',
    'aws-sts=ftp://x',
    'aws-sts=https://x?y',
    'aws-sts=https://u:hunter2@x',
    '',
  ]) {
    throws(
      () => readEndpoints([item], {}),
      (error: Error) => /--cloud-endpoints/.test(error.message) && !/hunter2/.test(error.message),
    );
  }
});

test('what services say is shown without what looks like a credential', () => {
  equal(
    shown(['AccessDenied', 'Not authorized\nto perform\u202e it']),
    'AccessDenied: Not authorized to perform it',
  );
  const jwt = `${'eyJ'.padEnd(30, 'a')}.${'b'.repeat(30)}.c`;
  equal(shown(['x', `token ${jwt} is wrong`]), 'x: token ***** is wrong');
  equal(shown(['x', `key ${'A1b2'.repeat(12)}`]), 'x: key *****');
  const name = 'arn:aws:iam::123456789012:role/team-a/image-reader-of-the-cluster-prod';
  equal(shown(['x', name]), `x: ${name}`);
  ok(shown(['x', 'y '.repeat(10_000)]).length <= 300);
});
