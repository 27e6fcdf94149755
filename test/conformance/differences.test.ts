import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { RULES } from './differences.ts';
import { loadFixtures } from './fixture.ts';

const DOCUMENT = join(import.meta.dirname, '../../docs/compatibility.md');

it('has a heading in docs/compatibility.md for each difference on purpose', async () => {
  const headings = (await readFile(DOCUMENT, 'utf8')).matchAll(/^## (.+)$/gm);
  const titles = new Set([...headings].map(([, title]) => title));
  for (const { id } of RULES) assert.ok(titles.has(id), `docs/compatibility.md has "## ${id}"`);
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
