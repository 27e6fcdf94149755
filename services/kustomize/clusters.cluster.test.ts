// Kustomizations that are applied to another cluster, which is a second API server.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import {
  applyKubeconfig,
  namespaceInBoth,
  REMOTE,
  type RemoteCluster,
  startRemoteCluster,
} from '@weir/kit';
import {
  configMap,
  deployment,
  type Harness,
  MERGE,
  manifests,
  startHarness,
  until,
} from './testing/harness.ts';
import { deleteKustomization } from './testing/observe.ts';

let h: Harness;
let remote: RemoteCluster;
before(async () => {
  [h, remote] = await Promise.all([
    startHarness({
      'allow-local-addresses': 'true',
      'feature-gates': 'ObjectLevelWorkloadIdentity=true',
    }),
    startRemoteCluster(),
  ]);
});
after(async () => {
  await h?.close();
  await remote?.close();
});

const LONG = { timeoutMs: 60_000 };
const remoteConfigMap = (namespace: string, name: string) =>
  remote.find('v1', 'ConfigMap', { namespace, name });

const namespace = (kubeconfig?: string) => namespaceInBoth(h, remote, kubeconfig);

async function remoteUid(): Promise<string | undefined> {
  return (await remote.find('v1', 'Namespace', { name: 'kube-system' }))?.metadata.uid;
}

const deleted = (ns: string) => deleteKustomization(h, ns, { limitMs: LONG.timeoutMs });

test('it is applied, pruned and deleted there, and not here', async () => {
  const ns = await namespace();
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a'), configMap(ns, 'b')) });
  await h.kustomization(ns, 'app', REMOTE);
  const { status } = await h.ready(ns, 'app', 'True');
  assert.ok(await remoteConfigMap(ns, 'a'));
  assert.equal(await h.configMap(ns, 'a'), undefined);
  assert.equal(status?.clusterID, await remoteUid());
  assert.equal(status?.inventory?.entries.length, 2);

  const revision = await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a', { k: 'v' })) });
  await h.ready(ns, 'app', 'True', new RegExp(revision));
  assert.equal(await remoteConfigMap(ns, 'b'), undefined, 'it was pruned');
  assert.deepEqual((await remoteConfigMap(ns, 'a'))?.data, { k: 'v' });

  await deleted(ns);
  assert.equal(await remoteConfigMap(ns, 'a'), undefined, 'it was deleted');
});

test('what somebody changes there is put back at once', async () => {
  const ns = await namespace();
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a', { k: 'v' })) });
  await h.kustomization(ns, 'app', REMOTE);
  await h.ready(ns, 'app', 'True');
  const path = `/api/v1/namespaces/${ns}/configmaps/a`;
  await remote.cluster.request('PATCH', path, { data: { k: 'other' } }, MERGE);
  await until(async () => isDeepStrictEqual((await remoteConfigMap(ns, 'a'))?.data, { k: 'v' }), {
    ...LONG,
    message: 'the change to be undone',
  });
});

test('health is that of the objects there', async () => {
  const ns = await namespace();
  const web = deployment(ns, 'web');
  await h.publish(ns, { 'a.yaml': manifests(web) });
  await h.kustomization(ns, 'app', { ...REMOTE, wait: true, timeout: '10m' });
  await until(
    async () =>
      (await remote.find('apps/v1', 'Deployment', { namespace: ns, name: 'web' })) !== undefined,
    { ...LONG, message: 'the Deployment' },
  );
  await remote.cluster.request(
    'PATCH',
    `/apis/apps/v1/namespaces/${ns}/deployments/web/status`,
    {
      status: {
        observedGeneration: 1,
        conditions: [
          { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' },
          { type: 'Available', status: 'True' },
        ],
      },
    },
    MERGE,
  );
  await h.ready(ns, 'app', 'True');
});

test('kinds that only the other cluster has are applied there', async () => {
  const ns = await namespace();
  const names = { kind: 'Gadget', plural: 'gadgets', singular: 'gadget', listKind: 'GadgetList' };
  const schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'gadgets.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names,
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  };
  const gadget = {
    apiVersion: 'example.com/v1',
    kind: 'Gadget',
    metadata: { name: 'g', namespace: ns },
    spec: { size: 1 },
  };
  await h.publish(ns, { 'a.yaml': manifests(definition, gadget) });
  await h.kustomization(ns, 'app', REMOTE);
  await h.ready(ns, 'app', 'True');
  // The test's own client may not know the kind yet: what the cluster serves is published a moment after the definition.
  const found = () => remote.find('example.com/v1', 'Gadget', { namespace: ns, name: 'g' });
  await until(async () => (await found().catch(() => undefined)) !== undefined, {
    timeoutMs: 30_000,
    message: 'the object in the other cluster',
  });
});

test('a Secret that is missing, lacks the key or holds no kubeconfig is named', async () => {
  const ns = await h.namespace();
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a')) });
  await h.kustomization(ns, 'app', REMOTE);
  const missing = `unable to read KubeConfig secret '${ns}/remote' error: secrets "remote" not found`;
  const { status } = await h.ready(ns, 'app', 'False', new RegExp(missing));
  assert.equal(
    status?.conditions?.find(({ type }) => type === 'Ready')?.reason,
    'ReconciliationFailed',
  );
  await applyKubeconfig(h.client, { namespace: ns, name: 'remote' }, 'x', 'other');
  await h.ready(ns, 'app', 'False', /does not contain a 'value' key with a kubeconfig/);
  await applyKubeconfig(h.client, { namespace: ns, name: 'remote' }, 'users: [', 'value');
  await h.ready(ns, 'app', 'False', /^invalid KubeConfig in secret '[^']+\/remote': it is no YAML/);
});

test('a ConfigMap leads there with the token of an account of its namespace', async () => {
  const ns = await h.namespace();
  const accounts = `/api/v1/namespaces/${ns}/serviceaccounts`;
  await h.cluster.request('POST', accounts, { metadata: { name: 'deployer' } });
  const bindings = `/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}/rolebindings`;
  await h.cluster.request('POST', bindings, {
    metadata: { name: 'deployer' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', name: 'deployer', namespace: ns }],
  });
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a')) });
  const kubeConfig = { configMapRef: { name: 'there' } };
  await h.kustomization(ns, 'app', { kubeConfig });
  await h.ready(
    ns,
    'app',
    'False',
    /failed to get configmap .*\/there: configmaps "there" not found/,
  );
  // The cluster accepts the tokens that it issues itself, in place of a cluster that trusts this one's issuer.
  const data = {
    provider: 'generic',
    address: h.cluster.server,
    'ca.crt': h.cluster.ca,
    audiences: 'https://kubernetes.default.svc\n',
    serviceAccountName: 'deployer',
  };
  await h.cluster.request('POST', `/api/v1/namespaces/${ns}/configmaps`, {
    metadata: { name: 'there' },
    data,
  });
  await h.ready(ns, 'app', 'True');
  const user = `system:serviceaccount:${ns}:deployer`;
  const applied = (await h.cluster.audit()).filter(
    ({ verb, user: who, objectRef }) =>
      verb === 'patch' && who.username === user && objectRef?.name === 'a',
  );
  assert.ok(applied.length > 0, 'it was applied by the account');

  const gone = { ...data, serviceAccountName: 'nobody' };
  const path = `/api/v1/namespaces/${ns}/configmaps/there`;
  await h.cluster.request('PATCH', path, { data: gone }, MERGE);
  await h.ready(ns, 'app', 'False', /nobody/);
  await h.cluster.request('PATCH', path, { data: { provider: 'exec' } }, MERGE);
  await h.ready(ns, 'app', 'False', /^provider 'exec' not implemented$/);
});

test('an account is impersonated there', async () => {
  const ns = await namespace();
  await h.cluster.request('POST', `/api/v1/namespaces/${ns}/serviceaccounts`, {
    metadata: { name: 'deployer' },
  });
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a')) });
  await h.kustomization(ns, 'app', { ...REMOTE, serviceAccountName: 'deployer' });
  const user = `system:serviceaccount:${ns}:deployer`;
  await h.ready(
    ns,
    'app',
    'False',
    new RegExp(`User "${user}" cannot patch resource "configmaps"`),
  );
  await remote.cluster.request(
    'POST',
    `/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}/rolebindings`,
    {
      metadata: { name: 'deployer' },
      roleRef: {
        apiGroup: 'rbac.authorization.k8s.io',
        kind: 'ClusterRole',
        name: 'cluster-admin',
      },
      subjects: [{ kind: 'User', name: user }],
    },
  );
  await h.kustomization(ns, 'app', {
    ...REMOTE,
    serviceAccountName: 'deployer',
    retryInterval: '1s',
  });
  await h.ready(ns, 'app', 'True');
  assert.ok(await remoteConfigMap(ns, 'a'));
});
