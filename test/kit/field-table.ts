// Tables (`testdata/fields.tsv`) that say of each field of a kind which recorded case or which test sets it, or looks at it. A
// field without one, and one whose case or test is gone, fail.
import { deepEqual, ok } from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';

const ROOT = join(import.meta.dirname, '../..');

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
}

export interface FieldTable {
  /** Path of the table: lines of kind, field (`spec.a[].b`) and test, with tabs between them and a heading. */
  file: string;
  /** `source.toolkit.fluxcd.io` */
  group: string;
  /** The kinds as their definitions are called: `helmcharts`. */
  plurals: readonly string[];
  /** The names of the recorded cases. */
  caseNames(): Promise<readonly string[]>;
  /** Whether a case sets that field of a kind, or shows it where it is one of the status. */
  covers(name: string, kind: string, field: string): Promise<boolean>;
}

/** Adds the tests that hold a table to the definitions of its kinds, to the recorded cases, and to the tests that it names. */
export function testFieldTable({ file, group, plurals, caseNames, covers }: FieldTable): void {
  const rows = readFileSync(file, 'utf8')
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
    .map((line) => {
      const [kind = '', field = '', by = ''] = line.split('\t');
      return { kind, field, by };
    });

  for (const plural of plurals) {
    test(`each field of ${plural} has a test`, () => {
      const { spec } = parse(
        readFileSync(join(ROOT, `charts/weir/crds/${plural}.${group}.yaml`), 'utf8'),
      );
      const stored = spec.versions.find(({ name }: { name: string }) => name === 'v1');
      const { properties } = stored.schema.openAPIV3Schema;
      const fields = ['spec', 'status'].flatMap((part) => fieldsOf(properties[part], part));
      const listed = rows.filter(({ kind }) => kind === spec.names.kind).map(({ field }) => field);
      deepEqual(listed.sort(), fields.sort());
    });
  }

  test('each recorded case that the table names sets the field, or shows it', async () => {
    const names = new Set(await caseNames());
    for (const { kind, field, by } of rows) {
      const [, name] = /^recorded: (.*)$/.exec(by) ?? [];
      if (name === undefined) continue;
      ok(names.has(name), `${field} of ${kind}: there is no case ${name}`);
      ok(await covers(name, kind, field), `${name} does not set or show ${field} of ${kind}`);
    }
  });

  test('each test that the table names is there', () => {
    for (const { kind, field, by } of rows) {
      if (by.startsWith('recorded: ')) continue;
      const [, path = '', title = ''] = /^([^:]+)(?:: (.*))?$/.exec(by) ?? [];
      ok(existsSync(join(ROOT, path)), `${field} of ${kind}: there is no file ${path}`);
      const text = readFileSync(join(ROOT, path), 'utf8');
      ok(text.includes(title), `${field} of ${kind}: no test '${title}'`);
    }
  });
}

/** The paths of the fields that hold no others, in the form `a.b[].c`. */
function fieldsOf({ properties, items }: Schema, path: string): string[] {
  if (properties !== undefined) {
    const entries = Object.entries(properties);
    return entries.flatMap(([name, schema]) => fieldsOf(schema, `${path}.${name}`));
  }
  return items?.properties === undefined ? [path] : fieldsOf(items, `${path}[]`);
}

/** The paths of all fields that a value sets, in the form `a.b[].c`. */
export function fieldsSetBy(value: unknown, path: string): string[] {
  if (Array.isArray(value)) {
    return [path, ...value.flatMap((item) => fieldsSetBy(item, `${path}[]`))];
  }
  if (typeof value !== 'object' || value === null) return [path];
  const entries = Object.entries(value);
  return [path, ...entries.flatMap(([name, it]) => fieldsSetBy(it, `${path}.${name}`))];
}
