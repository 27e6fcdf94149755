// testdata/fields.tsv says of each field of each kind of source which recorded case or which test sets it, or looks at it. A
// field without one, and one whose test is gone, fail here.
import { deepEqual, ok } from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { caseNames, loadCase } from './testing/recorded/case.ts';

const ROOT = join(import.meta.dirname, '../..');
const KINDS = [
  ...['gitrepositories', 'ocirepositories', 'buckets', 'helmrepositories', 'helmcharts'],
  'externalartifacts',
];

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
}

const rows = readFileSync(join(import.meta.dirname, 'testdata/fields.tsv'), 'utf8')
  .split('\n')
  .slice(1)
  .filter((line) => line !== '')
  .map((line) => {
    const [kind = '', field = '', test = ''] = line.split('\t');
    return { kind, field, test };
  });

/** The paths of the fields that hold no others, in the form `a.b[].c`. */
function fieldsOf({ properties, items }: Schema, path: string): string[] {
  if (properties !== undefined) {
    const entries = Object.entries(properties);
    return entries.flatMap(([name, schema]) => fieldsOf(schema, `${path}.${name}`));
  }
  return items?.properties === undefined ? [path] : fieldsOf(items, `${path}[]`);
}

/** The paths of all fields that a value sets. */
function setBy(value: unknown, path: string): string[] {
  if (Array.isArray(value)) return [path, ...value.flatMap((item) => setBy(item, `${path}[]`))];
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([name, it]) => setBy(it, `${path}.${name}`))];
}

for (const plural of KINDS) {
  test(`each field of ${plural} has a test`, () => {
    const file = join(ROOT, `charts/weir/crds/${plural}.source.toolkit.fluxcd.io.yaml`);
    const { spec } = parse(readFileSync(file, 'utf8'));
    const stored = spec.versions.find(({ name }: { name: string }) => name === 'v1');
    const { properties } = stored.schema.openAPIV3Schema;
    const fields = ['spec', 'status'].flatMap((part) => fieldsOf(properties[part], part));
    const listed = rows.filter(({ kind }) => kind === spec.names.kind).map(({ field }) => field);
    deepEqual(listed.sort(), fields.sort());
  });
}

test('each recorded case that the table names sets the field, or shows it', async () => {
  const names = new Set(await caseNames(''));
  for (const { kind, field, test } of rows) {
    const [, name] = /^recorded: (.*)$/.exec(test) ?? [];
    if (name === undefined) continue;
    ok(names.has(name), `${field} of ${kind}: there is no case ${name}`);
    const { objects, steps = [], result } = await loadCase(name, {});
    const own = objects.filter((it) => it.kind === kind);
    ok(own.length > 0, `${name} has no ${kind}`);
    if (field.startsWith('status.')) {
      const looks = [result.objects, ...Object.values(result.marks ?? {})];
      const isShown = looks.some((look) => Object.keys(look).some((it) => it.startsWith(kind)));
      ok(isShown, `${name} shows no ${kind}`);
      continue;
    }
    const patches = steps.flatMap((step) => ('patch' in step ? [step.patch] : []));
    const set = [
      ...own.flatMap((it) => setBy((it as { spec?: unknown }).spec, 'spec')),
      ...patchesOf(patches),
    ];
    ok(set.includes(field), `${name} does not set ${field} of ${kind}`);
  }
});

function patchesOf(patches: readonly unknown[]): string[] {
  return patches.flatMap((patch) =>
    Object.entries(Object(patch)).flatMap(([name, value]) => setBy(value, name)),
  );
}

test('each test that the table names is there', () => {
  for (const { kind, field, test } of rows) {
    if (test.startsWith('recorded: ')) continue;
    const [, file = '', title = ''] = /^([^:]+)(?:: (.*))?$/.exec(test) ?? [];
    const path = join(ROOT, file);
    ok(existsSync(path), `${field} of ${kind}: there is no file ${file}`);
    ok(readFileSync(path, 'utf8').includes(title), `${field} of ${kind}: no test '${title}'`);
  }
});
