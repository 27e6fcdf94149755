// Checks that each field and each annotation of a Kustomization has a fixture.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { parse } from 'yaml';
import { loadFixtures } from './fixture.ts';
import { FLAGS } from './flags.ts';
import { recordings } from './golden.ts';

const CRD = join(
  import.meta.dirname,
  '../../charts/weir/crds/kustomizations.kustomize.toolkit.fluxcd.io.yaml',
);
/** Fields that Flux does not have. libs/reconcile reads them for Kustomizations and HelmReleases alike. */
const OWN = /^dependsOn\[\]\.(apiVersion|kind|ready)$/;

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
}

/** The paths of all fields of a schema, in the form `a.b[].c`. */
function fieldsOf({ properties = {}, items }: Schema, path = ''): string[] {
  const below = Object.entries(properties).flatMap(([name, schema]) => {
    const field = path === '' ? name : `${path}.${name}`;
    return [field, ...fieldsOf(schema, field)];
  });
  return [...below, ...(items === undefined ? [] : fieldsOf(items, `${path}[]`))];
}

/** The paths of all fields that a value sets, in the form `a.b[].c`. */
function setBy(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return [path, ...value.flatMap((item) => setBy(item, `${path}[]`))];
  if (typeof value !== 'object' || value === null) return [path];
  const entries = Object.entries(value);
  return [path, ...entries.flatMap(([name, item]) => setBy(item, path ? `${path}.${name}` : name))];
}

const fixtures = await loadFixtures({ dir: join(import.meta.dirname, 'fixtures') });

it('has a fixture for each field of spec', async () => {
  const crd = parse(await readFile(CRD, 'utf8'));
  const fields = fieldsOf(crd.spec.versions[0].schema.openAPIV3Schema.properties.spec);
  assert.ok(fields.length > 60, `${fields.length} fields`);
  const steps = fixtures.flatMap(({ steps }) => steps);
  const set = new Set(
    steps.flatMap((step) => ('kustomization' in step ? setBy(step.kustomization) : [])),
  );
  const missing = fields.filter((field) => !set.has(field) && !OWN.test(field));
  assert.deepEqual(missing, []);
});

it('has a fixture for each annotation', () => {
  const all = JSON.stringify(fixtures);
  const missing = [
    ...['Override', 'Merge', 'IfNotPresent', 'Ignore'].map((value) => `ssa: ${value}`),
    ...['prune', 'reconcile', 'substitute'].map((name) => `${name}: disabled`),
    'force: enabled',
  ].filter((marker) => !new RegExp(`kustomize\\.toolkit\\.fluxcd\\.io/${marker}`, 'i').test(all));
  assert.deepEqual(missing, []);
  assert.match(all, /reconcile\.fluxcd\.io\/watch/);
});

it('has fixtures under each feature gate that changes an outcome', () => {
  const gates = [
    'CancelHealthCheckOnNewRevision',
    'StrictPostBuildSubstitutions',
    'GroupChangeLog',
    'DisableFailFastBehavior',
    'MigrateAPIVersion',
    'AdditiveCELDependencyCheck',
    'ExternalArtifact',
  ];
  const set = Object.values(FLAGS)
    .map((flags) => flags['feature-gates'])
    .join(',');
  assert.deepEqual(
    gates.filter((gate) => !set.includes(`${gate}=`)),
    [],
  );
});

it('has fifty and more recorded fixtures for decryption and for other clusters', () => {
  const recorded = new Set(recordings());
  const ids = fixtures
    .filter(({ id, pending }) => /^(decryption|kubeconfig)\//.test(id) && pending === undefined)
    .map(({ id }) => id);
  assert.deepEqual(
    ids.filter((id) => !recorded.has(id)),
    [],
  );
  assert.ok(ids.length >= 50, `${ids.length} fixtures`);
  for (const area of ['decryption', 'kubeconfig']) {
    assert.ok(ids.filter((id) => id.startsWith(`${area}/`)).length >= 25, area);
  }
});
