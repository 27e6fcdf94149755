// Every example of docs/kustomization.md works as it stands there.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { Kustomization } from '@weir/api';
import { pageExamples } from '@weir/kit';
import type { KubeObject } from '@weir/kube';
import { configMap, type Harness, MERGE, manifests, startHarness } from './testing/harness.ts';

const PAGE = new URL('../../docs/kustomization.md', import.meta.url);
const NAMESPACE = 'apps';

let h: Harness;
before(async () => {
  h = await startHarness();
});
after(() => h?.close());

/** The objects of each YAML block, in the order of the page. */
async function examples(): Promise<KubeObject[][]> {
  const text = await readFile(PAGE, 'utf8');
  return pageExamples(text);
}

test('every example is accepted without an unknown field, and becomes ready', async () => {
  for (const name of [NAMESPACE, 'staging']) {
    await h.cluster.request('POST', '/api/v1/namespaces', { metadata: { name } });
  }
  // The role that the examples bind gets its rules from a controller, which this cluster doesn't run.
  const roles = '/apis/rbac.authorization.k8s.io/v1/clusterroles';
  const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['*'] }];
  await h.cluster.request('PATCH', `${roles}/admin`, { rules }, MERGE);
  const settings = configMap(NAMESPACE, 'settings', {
    region: `\${region:=local}`,
    tier: `\${tier:=none}`,
    port: `\${port:='"80"'}`,
  });
  const files = {
    'deploy/settings.yaml': manifests(settings),
    'tenant/a.yaml': manifests(configMap(NAMESPACE, 'tenant')),
    'frontend/a.yaml': manifests(configMap(NAMESPACE, 'frontend')),
  };
  const objects = (await examples()).flat();
  const kustomizations = objects.filter(({ kind }) => kind === 'Kustomization');
  assert.ok(kustomizations.length >= 4, 'the examples were found');
  await h.publish(NAMESPACE, files, { name: 'shop' });
  for (const object of objects) {
    const type = await h.client.discovery.resourceForKind(object.apiVersion, object.kind);
    await h.client.apply(type, object, { fieldManager: 'reader', fieldValidation: 'Strict' });
  }
  for (const { metadata } of kustomizations) await h.ready(NAMESPACE, metadata.name, 'True');

  const staged = await h.configMap('staging', 'settings-staging');
  assert.deepEqual(staged?.data, {
    region: 'eu-central',
    tier: 'gold',
    port: '8080',
    'log-level': 'debug',
  });
  assert.equal(staged?.metadata.labels?.team, 'shop');
  const { items } = await h.client.list<Kustomization>(Kustomization, { namespace: NAMESPACE });
  assert.equal(items.length, kustomizations.length);
});
