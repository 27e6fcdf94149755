// Every example of docs/helmrelease.md works as it stands there.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { pageExamples } from '@weir/kit';
import type { KubeObject } from '@weir/kube';
import { type Harness, startHarness } from './testing/harness.ts';

const PAGE = new URL('../../docs/helmrelease.md', import.meta.url);
const NAMESPACE = 'apps';

let h: Harness;
before(async () => {
  h = await startHarness();
});
after(() => h?.close());

/** The objects of all YAML blocks, in the order of the page. */
async function examples(): Promise<KubeObject[]> {
  const text = await readFile(PAGE, 'utf8');
  return pageExamples(text).flat();
}

test('every example is accepted without an unknown field, and becomes ready', async () => {
  for (const name of [NAMESPACE, 'staging']) {
    await h.cluster.request('POST', '/api/v1/namespaces', { metadata: { name } });
  }
  await h.chart(NAMESPACE);
  const objects = await examples();
  const releases = objects.filter(({ kind }) => kind === 'HelmRelease');
  assert.ok(releases.length >= 3, 'the examples were found');
  for (const object of objects) {
    const type = await h.client.discovery.resourceForKind(object.apiVersion, object.kind);
    await h.client.apply(type, object, { fieldManager: 'reader', fieldValidation: 'Strict' });
  }
  for (const { metadata } of releases) await h.ready(NAMESPACE, metadata.name, 'True');

  assert.equal((await h.configMap(NAMESPACE, 'shop-cfg'))?.data?.color, 'red');
  assert.equal((await h.configMap(NAMESPACE, 'shop-watched-cfg'))?.data?.color, 'green');
  const careful = await h.configMap('staging', 'staging-shop-careful-cfg');
  assert.equal(careful?.data?.tier, 'front');
  assert.equal(careful?.metadata.labels?.team, 'shop');
});
