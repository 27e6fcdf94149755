import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ApiError } from './errors.ts';
import { listAll } from './list.ts';
import { ConfigMap } from './resources.ts';
import { configMap, listOf, scripted } from './testing/script.ts';
import { answer, refuse } from './testing/server.ts';

function names(list: { items: { metadata: { name: string } }[] }): string[] {
  return list.items.map((item) => item.metadata.name);
}

it('reads page after page of one snapshot', async (t) => {
  const { caller, received } = await scripted(t, [
    (stream) => answer(stream, listOf([configMap('a', '1')], '7', 'more/+=')),
    (stream) => answer(stream, listOf([configMap('b', '2')], '7')),
  ]);
  const list = await listAll(caller, ConfigMap, { namespace: 'ns', labelSelector: 'a in (b,c)' });
  assert.deepEqual(names(list), ['a', 'b']);
  assert.equal(list.resourceVersion, '7');
  const [first, second] = received;
  assert.equal(first?.path, '/api/v1/namespaces/ns/configmaps');
  assert.deepEqual(Object.fromEntries(first?.query ?? []), {
    labelSelector: 'a in (b,c)',
    limit: '500',
  });
  assert.equal(second?.query.get('continue'), 'more/+=');
  assert.equal(second?.query.get('labelSelector'), 'a in (b,c)');
});

it('starts again when the snapshot expired, at last without pages', async (t) => {
  const { caller, received } = await scripted(t, [
    (stream) => answer(stream, listOf([configMap('old', '1')], '1', 'x')),
    (stream) => refuse(stream, 410, 'Expired'),
    (stream) => answer(stream, listOf([configMap('newer', '2')], '2', 'y')),
    (stream) => refuse(stream, 410, 'Expired'),
    (stream) => answer(stream, listOf([configMap('newest', '3')], '3')),
  ]);
  const list = await listAll(caller, ConfigMap, {});
  assert.deepEqual(names(list), ['newest']);
  assert.deepEqual(
    received.map(({ query }) => query.get('limit')),
    ['500', '500', '500', '500', null],
  );
});

it('does not take a 410 of the first page for an expired one', async (t) => {
  const { caller, received } = await scripted(t, [(stream) => refuse(stream, 410, 'Gone')]);
  await assert.rejects(listAll(caller, ConfigMap, {}), ApiError);
  assert.equal(received.length, 1);
});

it('gives each item the apiVersion and kind that lists leave out', async (t) => {
  const { apiVersion: _a, kind: _k, ...bare } = configMap('a', '1');
  const partial = { ...bare, apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata' };
  const { caller, received } = await scripted(t, [
    (stream) => answer(stream, { metadata: { resourceVersion: '1' }, items: [bare, partial] }),
  ]);
  const { items } = await listAll(caller, ConfigMap, { metadataOnly: true });
  assert.deepEqual(items, [configMap('a', '1'), configMap('a', '1')]);
  assert.match(received[0]?.accept ?? '', /as=PartialObjectMetadataList;g=meta\.k8s\.io;v=v1/);
});

it('takes null for an empty list', async (t) => {
  const { caller } = await scripted(t, [
    (stream) => answer(stream, { metadata: { resourceVersion: '1' }, items: null }),
  ]);
  assert.deepEqual(await listAll(caller, ConfigMap, {}), { items: [], resourceVersion: '1' });
});
