import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DiscoveredResource, KubeClient } from '@weir/kube';
import { placeObject } from './place.ts';

/** A client of an API server with one kind. */
function serving(namespaced: boolean): KubeClient {
  const type: DiscoveredResource = {
    group: '',
    version: 'v1',
    kind: 'Thing',
    plural: 'things',
    namespaced,
    verbs: [],
    subresources: [],
  };
  return { discovery: { resourceForKind: async () => type } } as unknown as KubeClient;
}

const object = (namespace?: string) => ({
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: namespace === undefined ? { name: 'a' } : { name: 'a', namespace },
});

test('an object gets the default namespace where it has none and its kind takes one', async () => {
  const place = async (namespaced: boolean, own?: string) => {
    const { object: placed } = await placeObject(serving(namespaced), object(own), 'default');
    return placed.metadata.namespace;
  };
  assert.equal(await place(true), 'default');
  assert.equal(await place(true, ''), 'default');
  assert.equal(await place(true, 'own'), 'own');
  assert.equal(await place(false), undefined);
  assert.equal(await place(false, 'own'), undefined);
});

test('an object in its place is not copied', async () => {
  const own = object('own');
  assert.equal((await placeObject(serving(true), own, 'default')).object, own);
});
