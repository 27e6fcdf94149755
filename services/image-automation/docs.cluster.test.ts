// Every example of docs/image-automation.md about ImageRepositories and ImagePolicies works as it stands there.
import { equal, ok } from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { ImagePolicy, ImageRepository } from '@weir/api';
import { startRegistry } from '@weir/cluster';
import { pageExamples } from '@weir/kit';
import { type KubeObject, Namespace } from '@weir/kube';
import { MediaType } from '@weir/oci';
import { pushBlob, pushManifest } from '@weir/oci/testing';
import { type Harness, startHarness } from './testing/harness.ts';

const PAGE = new URL('../../docs/image-automation.md', import.meta.url);
/** Kinds of the page that have their own test. */
const ELSEWHERE = ['ImageUpdateAutomation', 'GitRepository'];
const HOST = 'registry.example.com';

const stack = new AsyncDisposableStack();
let harness: Harness;
before(async () => {
  harness = await startHarness();
});
after(async () => {
  await harness?.close();
  await stack.disposeAsync();
});

/** The objects of all YAML blocks, in the order of the page. */
async function examples(host: string): Promise<KubeObject[]> {
  const text = (await readFile(PAGE, 'utf8')).replaceAll(HOST, host);
  return pageExamples(text).flat();
}

test('every example is accepted without an unknown field, and becomes ready', async () => {
  const registry = stack.adopt(await startRegistry(), (it) => it.close());
  const push = async (name: string, tag: string, created: string) => {
    const blob = await pushBlob(registry, name, Buffer.from(JSON.stringify({ created })));
    const config = { mediaType: 'application/vnd.oci.image.config.v1+json', ...blob };
    const manifest = { schemaVersion: 2, mediaType: MediaType.image, config, layers: [] };
    await pushManifest(registry, name, manifest, tag);
  };
  const tags = ['1.0.0', '1.1.0', '1.2.0', 'main-f00d-17', 'main-beef-19', 'abcdef0', 'abcdef1'];
  for (const [day, tag] of tags.entries()) await push('shop', tag, `2026-01-0${day + 1}T00:00:00Z`);
  await push('team/payments', '1.0.0', '2026-01-01T00:00:00Z');

  const objects = (await examples(registry.host)).filter(({ kind }) => !ELSEWHERE.includes(kind));
  const named = (kind: string) => objects.filter((object) => object.kind === kind);
  ok(named('ImageRepository').length >= 2 && named('ImagePolicy').length >= 4, 'examples');
  for (const name of new Set(objects.map(({ metadata }) => metadata.namespace ?? ''))) {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await harness.client.apply(Namespace, namespace, { fieldManager: 'reader' });
  }
  for (const object of objects) {
    const type = await harness.client.discovery.resourceForKind(object.apiVersion, object.kind);
    await harness.client.apply(type, object, { fieldManager: 'reader', fieldValidation: 'Strict' });
  }
  const refOf = ({ metadata: { namespace = '', name } }: KubeObject) => ({ namespace, name });
  for (const object of named('ImageRepository')) {
    await harness.ready(ImageRepository, refOf(object), 'True');
  }
  const latest: Record<string, string | undefined> = {};
  for (const object of named('ImagePolicy')) {
    const { metadata, status } = await harness.ready<ImagePolicy>(
      ImagePolicy,
      refOf(object),
      'True',
    );
    latest[metadata.name] = status?.latestRef?.tag;
  }
  equal(latest.shop, '1.2.0');
  equal(latest['shop-main'], 'main-beef-19');
  equal(latest['shop-newest'], 'abcdef1');
  equal(latest['shop-stable'], '1.1.0');
});
