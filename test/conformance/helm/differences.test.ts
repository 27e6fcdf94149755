import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { HELM_RULES } from './differences.ts';
import { loadHelmFixtures } from './fixture.ts';

const DOCUMENT = join(import.meta.dirname, '../../../docs/compatibility.md');

it('has a heading in docs/compatibility.md for each difference on purpose', async () => {
  const headings = (await readFile(DOCUMENT, 'utf8')).matchAll(/^## (.+)$/gm);
  const titles = new Set([...headings].map(([, title]) => title));
  for (const { id } of HELM_RULES)
    assert.ok(titles.has(id), `docs/compatibility.md has "## ${id}"`);
});

it('has no rule that applies to no fixture', async () => {
  const fixtures = await loadHelmFixtures();
  for (const { id, fixture } of HELM_RULES) {
    assert.ok(
      fixtures.some(({ name }) => fixture.test(name)),
      `${id}: ${fixture}`,
    );
  }
});
