import { deepEqual, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import { openPool } from './testing/pool.ts';

const tenant = 'apps';

function crd(properties: object, storedVersions?: string[]): object {
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec: properties } } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'things.example.org' },
    spec: {
      ...{ group: 'example.org', scope: 'Namespaced', names: { kind: 'Thing', plural: 'things' } },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
    ...(storedVersions && { status: { storedVersions } }),
  };
}

test('a CRD that stored objects would break says which, and why', async (t) => {
  const pool = await openPool(t);
  const live = crd({ type: 'object', properties: { size: { type: 'integer' } } }, ['v1']);
  const next = crd({ type: 'object', properties: { size: { type: 'string' } } });
  const metadata = { name: 'one', namespace: 'apps' };
  const object = { apiVersion: 'example.org/v1', kind: 'Thing', metadata, spec: { size: 1 } };
  deepEqual(await pool.compareCrds({ live, next, objects: [object] }, { tenant }), {
    problems: [
      {
        ...{ what: 'ObjectInvalid', blocks: true, version: 'v1', object: 'apps/one' },
        message:
          'apps/one would be invalid by version v1: spec.size in body must be of type string: "integer"',
      },
    ],
    moreObjects: 0,
  });
  deepEqual((await pool.compareCrds({ live, next, objects: [] }, { tenant })).problems, []);
  await rejects(pool.compareCrds({ live: [], next, objects: [] }, { tenant }), {
    reason: 'InvalidRequest',
  });
});
