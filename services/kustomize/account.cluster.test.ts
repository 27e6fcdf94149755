// A Kustomization with a service account does everything with the rights of that account.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { findCondition, HEALTHY, READY } from '@weir/api';
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
before(async () => {
  h = await startHarness();
});
after(() => h?.close());

const LONG = { timeoutMs: 20_000 };

test('it applies, looks at health, prunes and deletes as its account', async () => {
  const ns = await h.namespace();
  const account = `system:serviceaccount:${ns}:deployer`;
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}`;
  await h.cluster.request('POST', `/api/v1/namespaces/${ns}/serviceaccounts`, {
    metadata: { name: 'deployer' },
  });
  await h.cluster.request('POST', `${rbac}/roles`, {
    metadata: { name: 'deployer' },
    rules: [{ apiGroups: ['', 'apps'], resources: ['configmaps', 'deployments'], verbs: ['*'] }],
  });
  await h.cluster.request('POST', `${rbac}/rolebindings`, {
    metadata: { name: 'deployer' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'deployer' },
    subjects: [{ kind: 'ServiceAccount', name: 'deployer', namespace: ns }],
  });
  const web = deployment(ns, 'web');
  await h.publish(ns, { 'a.yaml': manifests(web, configMap(ns, 'pruned')) });
  await h.kustomization(ns, 'app', { serviceAccountName: 'deployer', wait: true, timeout: '10m' });
  await until(
    async () => {
      const { status } = await h.read(ns, 'app');
      return findCondition(status?.conditions, HEALTHY)?.status === 'Unknown';
    },
    { ...LONG, message: 'the wait for health' },
  );
  // No controller rolls out Deployments here: the wait sees the status that the test writes.
  const deployments = `/apis/apps/v1/namespaces/${ns}/deployments`;
  const conditions = [
    { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' },
    { type: 'Available', status: 'True' },
  ];
  const status = { observedGeneration: 1, conditions };
  await h.cluster.request('PATCH', `${deployments}/web/status`, { status }, MERGE);
  await h.ready(ns, 'app', 'True');
  const revision = await h.publish(ns, { 'a.yaml': manifests(web) });
  await h.ready(ns, 'app', 'True', new RegExp(revision));
  await deleteKustomization(h, ns);

  const requests = (await h.cluster.audit()).filter(
    ({ objectRef = {} }) =>
      objectRef.namespace === ns &&
      (objectRef.resource === 'deployments' || objectRef.resource === 'configmaps') &&
      objectRef.subresource === undefined,
  );
  const verbs = new Set(requests.map(({ verb }) => verb));
  for (const verb of ['patch', 'delete']) assert.ok(verbs.has(verb), `${verb} in ${[...verbs]}`);
  assert.ok(
    ['get', 'list', 'watch'].some((verb) => verbs.has(verb)),
    `reads in ${[...verbs]}`,
  );
  assert.deepEqual(
    requests
      .filter(({ impersonatedUser }) => impersonatedUser?.username !== account)
      .map(({ verb, requestURI }) => `${verb} ${requestURI}`),
    [],
  );
});

test('an account without rights is told who, what and where; with rights it applies', async () => {
  const ns = await h.namespace();
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a')) });
  await h.kustomization(ns, 'app', { serviceAccountName: 'tenant', retryInterval: '1s' });
  const failed = await h.ready(ns, 'app', 'False');
  assert.match(
    findCondition(failed.status?.conditions, READY)?.message ?? '',
    new RegExp(
      `^ConfigMap/${ns}/a dry-run failed \\(Forbidden\\): .*"system:serviceaccount:${ns}:tenant" cannot patch resource "configmaps"`,
    ),
  );
  assert.equal(await h.configMap(ns, 'a'), undefined);
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}`;
  await h.cluster.request('POST', `${rbac}/roles`, {
    metadata: { name: 'tenant' },
    rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'create', 'patch'] }],
  });
  await h.cluster.request('POST', `${rbac}/rolebindings`, {
    metadata: { name: 'tenant' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'tenant' },
    subjects: [{ kind: 'ServiceAccount', name: 'tenant', namespace: ns }],
  });
  await h.ready(ns, 'app', 'True');
});
