// Kustomizations that are applied to clusters of EKS, AKS and GKE. A second API server stands for them: it asks
// simulated clouds to whom a token belongs, and Weir knows it only by its name in the cloud and by a service account.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { listen } from '@weir/cluster';
import { type Clouds, startClouds } from '@weir/identity/testing';
import { type RemoteCluster, startRemoteCluster } from '@weir/kit';
import { ConfigMap, ServiceAccount } from '@weir/kube';
import { configMap, type Harness, manifests, startHarness } from './testing/harness.ts';

const ROLE = 'arn:aws:iam::123456789012:role/deployer';
const [TENANT, CLIENT] = [
  '22222222-0000-0000-0000-000000000000',
  '11111111-0000-0000-0000-000000000000',
];
const EMAIL = 'deployer@acme.iam.gserviceaccount.com';
const WRITING = { fieldManager: 'test', force: true };

/**
 * A cloud as a ConfigMap names it: the name of the cluster there, the annotations of the service account, and the user
 * that they lead to in the cluster.
 */
interface Cloud {
  cluster: string;
  annotations: Record<string, string>;
  as: Parameters<Clouds['trust']>[1];
  user: string;
  /** Services of the cloud that have to receive requests, in this order, with the method and a part of the path. */
  asked: [service: string, request: RegExp][];
}

const CLOUDS: Record<string, Cloud> = {
  aws: {
    cluster: 'arn:aws:eks:eu-west-1:123456789012:cluster/prod',
    annotations: { 'eks.amazonaws.com/role-arn': ROLE },
    as: { role: ROLE },
    user: ROLE,
    asked: [
      ['aws-sts', /^POST \//],
      ['aws-eks', /^GET .*\/clusters\/prod$/],
    ],
  },
  azure: {
    cluster:
      '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/group/providers/Microsoft.ContainerService/managedClusters/prod',
    annotations: {
      'azure.workload.identity/client-id': CLIENT,
      'azure.workload.identity/tenant-id': TENANT,
    },
    as: { application: `${TENANT}/${CLIENT}` },
    user: `${TENANT}/${CLIENT}`,
    asked: [
      ['azure-authority', new RegExp(`^POST .*/${TENANT}/oauth2/v2\\.0/token$`)],
      ['azure-management', /^GET .*\/managedClusters\/prod\?api-version=/],
      ['azure-management', /^POST .*\/prod\/listClusterUserCredential\?/],
    ],
  },
  gcp: {
    cluster: 'projects/acme/locations/europe-west1/clusters/prod',
    annotations: { 'iam.gke.io/gcp-service-account': EMAIL },
    as: { email: EMAIL },
    user: EMAIL,
    asked: [
      ['gcp-sts', /^POST .*\/v1\/token$/],
      ['gcp-iam-credentials', /^POST .*:generateAccessToken$/],
      ['gcp-container', /^GET .*\/clusters\/prod$/],
    ],
  },
};

const stack = new AsyncDisposableStack();
let h: Harness;
let remote: RemoteCluster;
let clouds: Clouds;

before(async () => {
  const dir = await mkdtemp(join(tmpdir(), 'weir-test-'));
  stack.defer(() => rm(dir, { recursive: true, force: true }));
  const file = join(dir, 'webhook.yaml');
  const webhook = await listen(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const { apiVersion, kind, spec } = JSON.parse(text);
    const username = clouds.clusterUser(spec.token);
    const status = {
      authenticated: username !== undefined,
      ...(username && { user: { username } }),
    };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ apiVersion, kind, status }));
  });
  stack.defer(() => webhook.close());
  const config = {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'c' },
    clusters: [{ name: 'clouds', cluster: { server: webhook.url } }],
    users: [{ name: 'u', user: {} }],
    contexts: [{ name: 'c', context: { cluster: 'clouds', user: 'u' } }],
  };
  await writeFile(file, JSON.stringify(config));
  const apiserverFlags = [
    `--authentication-token-webhook-config-file=${file}`,
    '--authentication-token-webhook-version=v1',
    '--authentication-token-webhook-cache-ttl=0s',
  ];
  remote = await startRemoteCluster({ apiserverFlags, audit: true });
  stack.defer(() => remote.close());
  const { server: endpoint, ca } = remote.cluster;
  clouds = await startClouds({ review: subjectOf, cluster: { endpoint, ca } });
  stack.defer(() => clouds.close());
  h = await startHarness({
    ...{ 'allow-local-addresses': 'true', 'feature-gates': 'ObjectLevelWorkloadIdentity=true' },
    'cloud-endpoints': Object.entries(clouds.endpoints)
      .map(([name, url]) => `${name}=${url}`)
      .join(','),
  });
  stack.defer(() => h.close());
  for (const { user } of Object.values(CLOUDS)) await allow(user);
});
after(() => stack.disposeAsync());

/** Clouds ask the API server of the cluster that Weir runs in to whom a token belongs. */
async function subjectOf(token: string, audience: string): Promise<string | undefined> {
  const path = '/apis/authentication.k8s.io/v1/tokenreviews';
  const { status } = await h.cluster.request<{
    status: { authenticated?: boolean; user?: { username?: string } };
  }>('POST', path, { spec: { token, audiences: [audience] } });
  return status.authenticated ? status.user?.username : undefined;
}

let users = 0;
async function allow(user: string): Promise<void> {
  const path = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
  await remote.cluster.request('POST', path, {
    metadata: { name: `user-${++users}` },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'User', name: user }],
  });
}

/** A Kustomization of one ConfigMap, with the service account and the ConfigMap that lead to the cluster. */
async function deployTo(
  namespace: string,
  provider: string,
  { cluster, annotations }: Cloud,
): Promise<void> {
  await remote.namespace(namespace);
  const metadata = { namespace, name: 'deployer', annotations };
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata };
  await h.client.apply(ServiceAccount, account, WRITING);
  const data = { provider, cluster, serviceAccountName: 'deployer' };
  await h.client.apply(ConfigMap, configMap(namespace, 'there', data), WRITING);
  await h.publish(namespace, { 'a.yaml': manifests(configMap(namespace, 'a', { k: 'v' })) });
  await h.kustomization(namespace, 'app', { kubeConfig: { configMapRef: { name: 'there' } } });
}

for (const [provider, cloud] of Object.entries(CLOUDS)) {
  test(`${provider}: applied there as who the account is in the cloud, and pruned`, async () => {
    // The cloud does not trust this service account. Weir must not use an identity of its own instead.
    const stranger = await h.namespace();
    await deployTo(stranger, provider, cloud);
    await h.ready(stranger, 'app', 'False', /service account '.*\/deployer'.* answered 40[013]/s);
    assert.equal(await find(stranger), undefined);

    const from = clouds.calls().length;
    const ns = await h.namespace();
    clouds.trust(`system:serviceaccount:${ns}:deployer`, cloud.as);
    await deployTo(ns, provider, cloud);
    const { status } = await h.ready(ns, 'app', 'True');
    assert.deepEqual((await find(ns))?.data, { k: 'v' });
    assert.equal(await h.configMap(ns, 'a'), undefined, 'and not here');
    const system = await remote.find('v1', 'Namespace', { name: 'kube-system' });
    assert.equal(status?.clusterID, system?.metadata.uid);
    const applied = (await remote.cluster.audit()).filter(
      ({ verb, objectRef }) => verb === 'patch' && objectRef?.namespace === ns,
    );
    assert.deepEqual([...new Set(applied.map(({ user }) => user.username))], [cloud.user]);

    const calls = clouds.calls().slice(from);
    const asked = calls.map(({ service, method, path }) => [service, `${method} ${path}`] as const);
    let at = 0;
    for (const [service, request] of cloud.asked) {
      const found = asked.findIndex(
        (it, index) => index >= at && it[0] === service && request.test(it[1]),
      );
      assert.ok(found >= at, `${service} ${request}: ${JSON.stringify(asked)}`);
      at = found;
    }

    const revision = await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'b')) });
    await h.ready(ns, 'app', 'True', new RegExp(revision));
    await remote.cluster.request('GET', `/api/v1/namespaces/${ns}/configmaps/b`);
    assert.equal(await find(ns), undefined, 'it was pruned');
    const shown = JSON.stringify([await h.read(ns, 'app'), h.events]);
    for (const secret of clouds.secrets()) assert.ok(!secret || !shown.includes(secret));
  });
}

async function find(namespace: string) {
  const found = await remote.find('v1', 'ConfigMap', { namespace, name: 'a' });
  return found as { data?: Record<string, string> } | undefined;
}
