// Tokens that are sent as they are, and who could read along: whoever chose the proxy and whom TLS trusts.
import { equal, rejects, throws } from 'node:assert/strict';
import { test } from 'node:test';
import type { Bucket } from '@weir/api';
import { createAuthority } from '@weir/cluster';
import { createIdentities } from '@weir/identity';
import { startClouds } from '@weir/identity/testing';
import { azureRemote } from './azure.ts';
import { gcsRemote } from './gcs.ts';

test('nothing of an identity passes a proxy of the object to an authority of the object', async (t) => {
  const clouds = await startClouds();
  t.after(() => clouds.close());
  const nobody = () => Promise.reject(new Error('Kubernetes was asked'));
  const identities = createIdentities({
    ...{ client: { get: nobody, request: nobody }, objectLevel: false, allowLocal: true },
    ...{ environment: {}, endpoints: clouds.endpoints, cache: { max: 10, maxAgeMs: 60_000 } },
  });
  t.after(() => identities.close());
  const { certificate: ca } = await createAuthority('tenant');
  const secrets = {
    ...{ login: undefined, stsLogin: undefined, stsTls: undefined },
    ...{ proxy: 'http://127.0.0.1:1', tls: { ca } },
  };
  const spec = {
    ...{ interval: '1h', bucketName: 'first' },
    endpoint: 'https://acme.blob.core.windows.net',
  };
  const bucket = (provider: 'azure' | 'gcp') =>
    ({ metadata: { namespace: 'apps', name: 'app' }, spec: { ...spec, provider } }) as Bucket;
  const network = { allowLocal: true, environment: {}, endpoints: {} };
  const signal = AbortSignal.timeout(10_000);
  const refused = /the identity of the service itself is not shown/;
  for (const remote of [
    azureRemote(bucket('azure'), secrets, identities),
    gcsRemote(bucket('gcp'), secrets, identities),
  ]) {
    await rejects(async () => {
      for await (const _ of remote.open(network).list('', { signal })) return;
    }, refused);
  }
  const login = {
    name: 'apps/login',
    type: 'Opaque',
    data: new Map([['clientId', Buffer.from('machine')]]),
  };
  const managed = azureRemote(bucket('azure'), { ...secrets, login }, identities);
  throws(() => managed.open(network), {
    ...{ reason: 'AuthenticationFailed', message: /a managed identity is not shown/ },
  });
  equal(clouds.calls().length, 0);
});
