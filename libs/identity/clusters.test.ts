// Clusters of the clouds: their address and authority of the vendor's API, and a token that the cluster takes.
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import { claims } from './testing/jwt.ts';
import { openOwn } from './testing/open.ts';

const EKS = 'arn:aws:eks:eu-west-1:123456789012:cluster/prod';
const AKS =
  '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/group/providers/Microsoft.ContainerService/managedClusters';
const GKE = 'projects/acme/locations/europe-west1/clusters/prod';
const HOST = 'https://prod.example:6443';

test('EKS: described, with a signed URL as the token', async (t) => {
  const { open, signal } = await openOwn(t);
  const identities = open({});
  const subject = { provider: 'aws', namespace: 'apps' } as const;
  const config = await identities.restConfig(subject, { cluster: EKS }, signal);
  equal(config.host, HOST);
  match(config.ca ?? '', /BEGIN CERTIFICATE/);
  ok(config.expiresAt <= Date.now() + 900_000);
  const [, encoded = ''] = /^k8s-aws-v1\.([\w-]+)$/.exec(config.token) ?? [];
  const url = new URL(Buffer.from(encoded, 'base64url').toString('utf8'));
  equal(url.searchParams.get('Action'), 'GetCallerIdentity');
  equal(url.searchParams.get('X-Amz-Expires'), '900');
  equal(url.searchParams.get('X-Amz-SignedHeaders'), 'host;x-k8s-aws-id');
  deepEqual(await identities.restConfig(subject, { cluster: EKS }, signal), config, 'it is kept');
  const elsewhere = { cluster: EKS, address: 'https://evil.example', ca: config.ca };
  await rejects(identities.restConfig(subject, elsewhere, signal), {
    reason: 'InvalidConfiguration',
    message: /'https:\/\/evil\.example:443' is no address of this cluster/,
  });
  const gone = EKS.replace('prod', 'gone');
  await rejects(identities.restConfig(subject, { cluster: gone }, signal), {
    reason: 'Denied',
    message:
      /^failed to describe EKS cluster '.*\/gone': Amazon EKS at .* answered 404: ResourceNotFoundException/,
  });
});

test('AKS: the kubeconfig of the wanted address, of which the server and the authority count alone', async (t) => {
  const { clouds, open, signal } = await openOwn(t);
  const identities = open({});
  const subject = { provider: 'azure', namespace: 'apps' } as const;
  const config = await identities.restConfig(subject, { cluster: `${AKS}/prod` }, signal);
  equal(config.host, HOST);
  equal(claims(config.token).scope, '6dae42f8-4368-4678-94ff-3960e28e3630/.default');
  equal(clouds.calls('azure-metadata').length, 2, 'one token for the cluster, one to describe it');
  const address = 'PRIVATE.example';
  const other = await identities.restConfig(subject, { cluster: `${AKS}/prod`, address }, signal);
  equal(other.host, 'https://private.example:443');
  await rejects(
    identities.restConfig(subject, { cluster: `${AKS}/prod`, address: 'evil.example' }, signal),
    /no kubeconfig found for AKS cluster .* matching the specified address 'evil\.example'\. cluster addresses: \['https:\/\/prod\.example:6443', 'https:\/\/private\.example:443'\]$/,
  );
  await rejects(
    identities.restConfig(subject, { cluster: `${AKS}/local-accounts` }, signal),
    /does not have Microsoft Entra ID integration enabled/,
  );
});

test('GKE: described, and no address that is not its own', async (t) => {
  const { clouds, open, signal } = await openOwn(t);
  const identities = open({});
  const subject = { provider: 'gcp', namespace: 'apps' } as const;
  const config = await identities.restConfig(subject, { cluster: GKE }, signal);
  equal(config.host, HOST);
  match(config.token, /^ya29\./);
  for (const cluster of ['projects/a/locations/../clusters/b', 'x', `${GKE}?alt=media`]) {
    await rejects(identities.restConfig(subject, { cluster }, signal), /invalid GKE cluster ID/);
  }
  const evil = { cluster: GKE, address: 'https://evil.example', ca: config.ca };
  await rejects(identities.restConfig(subject, evil, signal), /is no address of this cluster/);
  clouds.fault('gcp-container', 'html');
  const fresh = { cluster: GKE, address: HOST };
  await rejects(identities.restConfig(subject, fresh, signal), { reason: 'InvalidAnswer' });
});

test('a generic cluster needs an address, and the own identity is for that alone', async (t) => {
  const { open, signal } = await openOwn(t);
  const subject = { provider: 'generic', namespace: 'apps' } as const;
  await rejects(
    open({}).restConfig(subject, {}, signal),
    /cluster address is required to create a REST config$/,
  );
  const audiences = ['https://kubernetes.default.svc'];
  await rejects(
    open({}).restConfig(subject, { address: 'https://evil.example', audiences }, signal),
    /without a service account a token is for the cluster's address alone/,
  );
});

test('the own identity is not shown where an object could read along', async (t) => {
  const { clouds, open, signal } = await openOwn(t);
  const identities = open({});
  const proxy = 'http://127.0.0.1:1';
  for (const way of [
    { ownTrust: 'anybody' as const },
    { ownTrust: 'authority' as const, proxy },
    { ownTrust: 'anybody' as const, proxy },
  ]) {
    const subject = { provider: 'gcp', namespace: 'apps', ...way } as const;
    await rejects(identities.registryLogin(subject, 'gcr.io', signal), {
      reason: 'InvalidConfiguration',
      message: /the identity of the service itself is not shown/,
    });
  }
  equal(clouds.calls().length, 0);
  const subject = { provider: 'gcp', namespace: 'apps', ownTrust: 'authority' } as const;
  ok(await identities.registryLogin(subject, 'gcr.io', signal));
});
