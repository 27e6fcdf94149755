// Each field of ImageRepository and ImagePolicy has a case that was recorded from Flux, or a test that is named here.
import { deepEqual, ok } from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ImagePolicy, ImageRepository, type Kind } from '@weir/api';
import { fieldsOf, type Schema, setBy } from './testing/fields.ts';
import { caseNames, FOLDER } from './testing/recorded/case.ts';

/** Fields without a recorded case: the test that sets them, and a part of it. */
const ELSEWHERE: Record<string, { file: string; code: string }> = {
  'ImageRepository.timeout': { file: 'scans.cluster.test.ts', code: "timeout: '1s'" },
  'ImageRepository.provider': { file: 'clouds.cluster.test.ts', code: 'provider,' },
  'ImagePolicy.suspend': { file: 'policies.cluster.test.ts', code: 'suspend: true' },
  'ImagePolicy.policy.newest': { file: 'policies.cluster.test.ts', code: 'newest: {}' },
  'ImagePolicy.exclude': { file: 'policies.cluster.test.ts', code: "exclude: ['1.2.0']" },
};

const FIELDS = [ImageRepository, ImagePolicy].flatMap(({ kind, schema }: Kind) =>
  fieldsOf((schema.properties as Record<string, Schema>).spec ?? {}, kind),
);

/** By field the cases that set it, in an object or in a step. */
async function casesByField(): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const name of [...(await caseNames('ir-')), ...(await caseNames('ip-'))]) {
    const {
      objects,
      objectsCreatedLater = [],
      steps = [],
    } = JSON.parse(await readFile(join(FOLDER, `${name}.json`), 'utf8')) as {
      objects: { kind: string; spec?: object }[];
      objectsCreatedLater?: { kind: string; spec?: object }[];
      steps?: { spec?: string; patch?: object }[];
    };
    const values = [
      ...[...objects, ...objectsCreatedLater].map(({ kind, spec }) => ({ kind, value: spec })),
      ...steps.map(({ spec = '', patch }) => ({ kind: spec.split('/')[0] ?? '', value: patch })),
    ];
    for (const { kind, value } of values) {
      for (const field of setBy(value, kind)) {
        found.set(field, [...new Set([...(found.get(field) ?? []), name])]);
      }
    }
  }
  return found;
}

test('every field has a recorded case, or a test', async () => {
  const cases = await casesByField();
  ok(FIELDS.length > 30, `${FIELDS.length} fields`);
  deepEqual(
    FIELDS.filter((field) => !cases.has(field) && ELSEWHERE[field] === undefined),
    [],
  );
});

test('the tests that are named are there, for fields that there are', async () => {
  for (const [field, { file, code }] of Object.entries(ELSEWHERE)) {
    ok(FIELDS.includes(field), field);
    const text = await readFile(join(import.meta.dirname, file), 'utf8');
    ok(text.includes(code), `${file} has ${code}`);
  }
});
