import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { compatibilitySections } from '@weir/kit';
import { RULES } from './differences.ts';
import { loadFixtures } from './fixture.ts';

it('has a heading in docs/compatibility.md for each difference on purpose', () => {
  const titles = new Set(compatibilitySections().map(({ heading }) => heading));
  for (const { id } of RULES) assert.ok(titles.has(id), `docs/compatibility.md has "### ${id}"`);
});

it('has no rule that applies to no fixture', async () => {
  const fixtures = await loadFixtures({ dir: join(import.meta.dirname, 'fixtures') });
  for (const { id: reason, fixture } of RULES) {
    assert.ok(
      fixtures.some(({ id }) => fixture.test(id)),
      `${reason}: ${fixture}`,
    );
  }
});
