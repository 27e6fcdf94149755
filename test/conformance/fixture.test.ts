import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { furtherNamespaces, loadFixtures, parseFixture } from './fixture.ts';
import { FLAGS } from './flags.ts';
import { readGolden, recordings } from './golden.ts';

it('reads a fixture, with its namespace in place', () => {
  const text = `about: Something.\nnamespaces: [b, '?c']\nsteps:\n  - gone: Namespace/%ns%-b\n`;
  const fixture = parseFixture('area/name', text);
  assert.equal(fixture.namespace, 'area-name');
  assert.deepEqual(fixture.steps, [{ gone: 'Namespace/area-name-b' }]);
  assert.deepEqual(furtherNamespaces(fixture), ['area-name-b', 'area-name-c']);
});

it('refuses unknown keys', () => {
  assert.throws(() => parseFixture('a/b', 'about: x\nsetps: []\n'), /unknown keys setps/);
  assert.throws(() => parseFixture('a/b', 'steps: []\n'), /says in a sentence/);
  const two = 'about: x\nsteps: [{ gone: a/b, wait: ready }]\n';
  assert.throws(() => parseFixture('a/b', two), /does one thing/);
  const typo = 'about: x\nsteps: [{ wait: ready, mesage: no }]\n';
  assert.throws(() => parseFixture('a/b', typo), /has no mesage/);
});

it('has a recording of each fixture as it is now, and flags that exist', async () => {
  const fixtures = await loadFixtures({ dir: join(import.meta.dirname, 'fixtures') });
  assert.ok(fixtures.length >= 120, `${fixtures.length} fixtures`);
  const namespaces = fixtures.flatMap((it) => [it.namespace, ...furtherNamespaces(it)]);
  assert.equal(new Set(namespaces).size, namespaces.length, 'no namespace is used twice');
  for (const fixture of fixtures) {
    assert.ok(fixture.flags in FLAGS, `${fixture.id}: flags ${fixture.flags}`);
    assert.ok((await readGolden(fixture)).snapshots.end, fixture.id);
  }
  const ids = new Set(fixtures.map(({ id }) => id));
  const left = recordings().filter((id) => !ids.has(id));
  assert.deepEqual(left, [], 'recordings without a fixture');
});
