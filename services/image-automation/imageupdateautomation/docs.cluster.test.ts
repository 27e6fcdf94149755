import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { ImagePolicy, ImageUpdateAutomation } from '@weir/api';
import { createSshKey, startGitServer, until } from '@weir/cluster';
import { startFakeForge } from '@weir/forge/testing';
import { pageExamples } from '@weir/kit';
import { type KubeObject, Namespace } from '@weir/kube';
import { startHarness } from '../testing/harness.ts';

const NAMESPACE = 'apps';
const PAGE = new URL('../../../docs/imageupdateautomation.md', import.meta.url);

test('the examples of docs/imageupdateautomation.md work', async (t) => {
  const harness = await startHarness();
  t.after(() => harness.close());
  const git = await startGitServer();
  t.after(() => git.close());
  const forge = await startFakeForge('gitea');
  t.after(() => forge.close());
  const fleet = await git.createRepository('org/fleet', {
    auth: { username: 'bot', password: 's3cret-pw' },
  });
  const marked = `image: reg/shop:1.0.0 # {"$imagepolicy": "${NAMESPACE}:shop"}\n`;
  const folders = ['production', 'staging', 'careful'].map((it) => `clusters/${it}/shop.yaml`);
  await fleet.commit(Object.fromEntries(folders.map((path) => [path, marked])));
  forge.commitOf = (branch) => fleet.git('rev-parse', branch);
  const key = await createSshKey();

  const { client } = harness;
  const apply = async (object: KubeObject) => {
    const type = await client.discovery.resourceForKind(object.apiVersion, object.kind);
    await client.apply(type, object, { fieldManager: 'reader', fieldValidation: 'Strict' });
  };
  await client.apply(
    Namespace,
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    { fieldManager: 'reader' },
  );
  await apply({
    ...{ apiVersion: ImagePolicy.apiVersion, kind: ImagePolicy.kind },
    metadata: { namespace: NAMESPACE, name: 'shop', labels: { stage: 'staging' } },
    spec: {
      suspend: true,
      imageRepositoryRef: { name: 'shop' },
      policy: { semver: { range: '*' } },
    },
  });
  const body = { status: { latestRef: { name: 'reg/shop', tag: '1.1.0' } } };
  const ref = { namespace: NAMESPACE, name: 'shop' };
  await client.patch(ImagePolicy, ref, body, { kind: 'merge', subresource: 'status' });

  const text = (await readFile(PAGE, 'utf8'))
    .replaceAll('https://git.example.com', git.url)
    .replaceAll('https://forge.example.com', forge.url);
  const objects = pageExamples<KubeObject & { stringData?: Record<string, string> }>(text).flat();
  for (const object of objects) {
    if (object.metadata.name === 'signing') object.stringData = { identity: key.private };
    await apply(object);
  }
  const automations = objects.filter(({ kind }) => kind === ImageUpdateAutomation.kind);
  assert.equal(automations.length, 4);
  for (const { metadata } of automations) {
    await harness.ready(
      ImageUpdateAutomation,
      { namespace: NAMESPACE, name: metadata.name },
      'True',
    );
  }
  const holds = (branch: string, path: string) =>
    until(async () => (await fleet.git('show', `${branch}:${path}`)).includes(':1.1.0 '), {
      timeoutMs: 60_000,
      message: `${branch}:${path}`,
    });
  await holds('main', 'clusters/production/shop.yaml');
  await holds('main', 'clusters/careful/shop.yaml');
  await holds('staging', 'clusters/staging/shop.yaml');
  await until(() => forge.pullRequests.length > 0, {
    timeoutMs: 60_000,
    message: 'a pull request',
  });
  const message = await fleet.git('log', '--format=%B', '--author=Image Bot', '-1', 'main');
  assert.equal(message, 'Update images\n\n- reg/shop:1.0.0 -> reg/shop:1.1.0');
});
