// Each field of an ImageUpdateAutomation has a case that was recorded from Flux, or a test that is named here.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ImageUpdateAutomation } from '@weir/api';
import { fieldsOf, type Schema, setBy } from '../testing/fields.ts';
import { caseNames, loadCase } from '../testing/updates/case.ts';

/** Fields without a recorded case: the test that sets them, and a part of it. */
const ELSEWHERE: Record<string, { file: string; code: string }> = {
  'spec.sourceRef.apiVersion': { file: 'target.test.ts', code: 'apiVersion: ' },
  'spec.git.checkout.ref.branch': { file: 'target.test.ts', code: "branch: 'dev'" },
  'spec.git.checkout.ref.commit': { file: 'target.test.ts', code: 'commit: commit' },
  'spec.git.checkout.ref.name': { file: 'target.test.ts', code: "name: 'refs/pull/1/head'" },
  'spec.git.checkout.ref.semver': { file: 'target.test.ts', code: "semver: '1.x'" },
  'spec.git.commit.signingKey.type': { file: 'automation.cluster.test.ts', code: "type: 'ssh'" },
  'spec.policyChangeDelay': { file: 'automation.cluster.test.ts', code: "policyChangeDelay: '1s'" },
  'spec.git.respectReverts': { file: 'automation.cluster.test.ts', code: 'respectReverts: true' },
  ...Object.fromEntries(
    [
      '',
      '.provider',
      '.apiURL',
      '.secretRef',
      '.secretRef.name',
      '.base',
      '.branches',
      '.title',
      '.labels',
      '.reviewers',
    ].map((field) => [
      `spec.git.pullRequest${field}`,
      { file: 'pullrequest.cluster.test.ts', code: `${field.split('.').at(-1) || 'pullRequest'}:` },
    ]),
  ),
  'spec.git.pullRequest.body': { file: 'pullrequest.test.ts', code: 'body:' },
  'spec.policySelector.matchExpressions.values': { file: 'policies.test.ts', code: 'values:' },
};

const { spec = {} } = ImageUpdateAutomation.schema.properties as Record<string, Schema>;
const FIELDS = fieldsOf(spec, 'spec');

test('every field has a recorded case, or a test', async () => {
  const covered = new Set<string>();
  for (const name of await caseNames()) {
    const { objects, objectsCreatedLater = [], steps = [] } = await loadCase(name, {});
    const values = [
      ...[...objects, ...objectsCreatedLater]
        .filter(({ kind }) => kind === 'ImageUpdateAutomation')
        .map((object) => object.spec),
      ...steps
        .filter(({ spec: of }) => of?.startsWith('ImageUpdateAutomation/'))
        .map(({ patch }) => patch),
    ];
    for (const value of values) for (const field of setBy(value, 'spec')) covered.add(field);
  }
  assert.ok(FIELDS.length > 40, `${FIELDS.length} fields`);
  assert.deepEqual(
    FIELDS.filter((field) => !covered.has(field) && ELSEWHERE[field] === undefined),
    [],
  );
});

test('the tests that are named are there, for fields that there are', async () => {
  for (const [field, { file, code }] of Object.entries(ELSEWHERE)) {
    assert.ok(FIELDS.includes(field), field);
    const text = await readFile(join(import.meta.dirname, file), 'utf8');
    assert.ok(text.includes(code), `${file} has ${code}`);
  }
});
