// Helm's actions against a control plane: what they leave in the cluster and in storage.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Secret } from '@weir/kube';
import { chart, type Harness, startHarness } from './testing/actions.ts';

let h: Harness;

before(async () => {
  h = await startHarness();
});
after(() => h?.close());

async function storage(namespace: string): Promise<string[]> {
  const { items } = await h.client.list(Secret, { namespace, labelSelector: 'owner=helm' });
  return items.map(({ metadata }) => `${metadata.name} ${metadata.labels?.status}`).sort();
}

test('a release is installed, upgraded, rolled back and uninstalled', async () => {
  const namespace = await h.namespace();
  const installed = await h.actions.install(await h.context({ namespace }));
  assert.equal(installed.failure, undefined);
  assert.deepEqual(
    installed.releases.map(({ version, info }) => `${version} ${info.status} ${info.description}`),
    ['1 deployed Install complete'],
  );
  const deployment = await h.get('apps/v1', 'Deployment', namespace, 'web');
  assert.equal(deployment.metadata.annotations?.['meta.helm.sh/release-name'], 'web');
  assert.deepEqual(
    installed.inventory?.map(({ id }) => id),
    [
      `${namespace}_web-key__Secret`,
      `${namespace}_web-cfg__ConfigMap`,
      `${namespace}_web__Service`,
      `${namespace}_web_apps_Deployment`,
    ],
  );

  const files = chart('2.0.0');
  const upgraded = await h.actions.upgrade(await h.context({ namespace, files }));
  assert.equal(upgraded.failure, undefined);
  assert.deepEqual(await storage(namespace), [
    'sh.helm.release.v1.web.v1 superseded',
    'sh.helm.release.v1.web.v2 deployed',
  ]);

  const back = await h.actions.rollback(await h.context({ namespace, files }), 1);
  assert.equal(back.failure, undefined);
  assert.deepEqual(
    back.releases.map(({ version, info }) => `${version} ${info.status} ${info.description}`),
    ['3 deployed Rollback to 1', '2 superseded Upgrade complete'],
  );
  const map = await h.get('v1', 'ConfigMap', namespace, 'web-cfg');
  assert.equal(map.metadata.labels?.version, '1.0.0');

  const gone = await h.actions.uninstall(await h.context({ namespace }));
  assert.equal(gone.failure, undefined);
  assert.deepEqual(await storage(namespace), []);
  await assert.rejects(h.get('v1', 'ConfigMap', namespace, 'web-cfg'));
});
