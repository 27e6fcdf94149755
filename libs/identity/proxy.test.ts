// The proxy of an object belongs to a tenant: it carries TLS alone, and nothing of a metadata service ever.
import { deepEqual, equal, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import { startVendorHosts } from './testing/index.ts';
import { openOwn } from './testing/open.ts';

test("metadata services and the operator's own plain services are reached without it", async (t) => {
  const { clouds, open, signal } = await openOwn(t);
  const hosts = await startVendorHosts({});
  t.after(() => hosts.close());
  const { proxy } = hosts;
  const environment = { HTTP_PROXY: proxy, http_proxy: proxy, AWS_REGION: 'eu-west-1' };
  const identities = open(environment);
  const apps = { namespace: 'apps', proxy };
  await identities.awsCredentials({ provider: 'aws', ...apps }, {}, signal);
  await identities.accessToken({ provider: 'gcp', ...apps }, {}, signal);
  await identities.accessToken({ provider: 'azure', ...apps }, { scope: 'a/.default' }, signal);
  deepEqual([hosts.tunnels(), hosts.clear()], [[], []]);
  equal(clouds.calls().length, 5);
});

test('a proxy that is none for HTTP is refused', async (t) => {
  const { clouds, open, signal } = await openOwn(t);
  const { 'aws-ecr': _, ...endpoints } = clouds.endpoints;
  const identities = open({}, { endpoints });
  const subject = { provider: 'aws', namespace: 'apps', proxy: 'socks5://127.0.0.1:1' } as const;
  const host = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';
  await rejects(identities.registryLogin(subject, host, signal), /only if it is an HTTP proxy$/);
});

test('a proxy at an address of this node is refused, unless the operator allows such addresses', async (t) => {
  const { clouds, open, signal } = await openOwn(t);
  const { 'aws-ecr': _, ...endpoints } = clouds.endpoints;
  const identities = open({}, { endpoints, allowLocal: false });
  for (const proxy of ['http://127.0.0.1:3128', 'http://169.254.169.254', 'http://localhost:1']) {
    const subject = { provider: 'aws', namespace: 'apps', proxy } as const;
    const host = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';
    await rejects(identities.registryLogin(subject, host, signal), /which is refused/, proxy);
  }
});
