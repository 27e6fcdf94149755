// Checks that each field and each annotation of a HelmRelease has a fixture, and that the table of them is up to date.
import assert from 'node:assert/strict';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { fieldRows, fieldTable, SHOWN_ELSEWHERE } from './fields.ts';
import { loadHelmFixtures } from './fixture.ts';
import { recordings } from './golden.ts';

it('has a fixture for each field of spec', async () => {
  const rows = await fieldRows();
  assert.ok(rows.length > 150, `${rows.length} fields`);
  const missing = rows.filter(({ shownBy }) => shownBy.length === 0).map(({ field }) => field);
  assert.deepEqual(missing, []);
});

it('names tests that exist where a recording can not show a field', async () => {
  const root = join(import.meta.dirname, '../../..');
  for (const { test } of SHOWN_ELSEWHERE) await access(join(root, test));
});

it('has the table of fields in the README', async () => {
  const readme = await readFile(join(import.meta.dirname, 'README.md'), 'utf8');
  const table = fieldTable(await fieldRows());
  assert.ok(readme.includes(table), 'npm run conformance:helm -- --fields');
});

it('has a fixture for each request, state of a release and mark of an object', async () => {
  const all = JSON.stringify(await loadHelmFixtures());
  const wanted = [
    ...['"request":', '"force":true', '"reset":true', '"suspend":true', '"editRelease":'],
    ...['reconcile.fluxcd.io/watch', 'helm.toolkit.fluxcd.io/driftDetection'],
  ];
  assert.deepEqual(
    wanted.filter((text) => !all.includes(text)),
    [],
  );
});

it('has a recording for each fixture, and a fixture for each recording', async () => {
  const names = (await loadHelmFixtures()).map(({ name }) => name);
  assert.deepEqual(recordings().sort(), names);
});
