import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { HELM_DIFFERENCES, HELM_RULES, SHARED_DIFFERENCES } from './differences.ts';
import { loadHelmFixtures } from './fixture.ts';

const DOCUMENT = join(import.meta.dirname, '../../../docs/compatibility.md');
/** More of them would make another API of it. */
const MOST = 6;

/** The sections of docs/compatibility.md by their headings. */
async function sections(): Promise<Map<string, string>> {
  const [, ...parts] = (await readFile(DOCUMENT, 'utf8')).split(/^## /m);
  return new Map(
    parts.map((part) => {
      const end = part.indexOf('\n');
      return [part.slice(0, end), part.slice(end)] as const;
    }),
  );
}

it('has a heading in docs/compatibility.md for each difference on purpose', async () => {
  const titles = await sections();
  const headings = [
    ...HELM_RULES.map(({ id }) => id),
    ...HELM_DIFFERENCES.map(({ heading }) => heading),
    ...SHARED_DIFFERENCES,
  ];
  for (const heading of headings)
    assert.ok(titles.has(heading), `docs/compatibility.md has "## ${heading}"`);
});

it('has six differences at most, whether something switches them or not', () => {
  const ruled = HELM_RULES.map(({ id }) => id).filter((id) => !SHARED_DIFFERENCES.includes(id));
  const headings = new Set([...ruled, ...HELM_DIFFERENCES.map(({ heading }) => heading)]);
  assert.ok(headings.size <= MOST, [...headings].join('\n'));
});

it('says how those are switched that can be', async () => {
  const titles = await sections();
  for (const { heading, switchedBy = [] } of HELM_DIFFERENCES)
    for (const by of switchedBy) assert.ok(titles.get(heading)?.includes(by), `${heading}: ${by}`);
});

it('counts every section that is about HelmReleases', async () => {
  const known = new Set([...HELM_DIFFERENCES.map(({ heading }) => heading), ...SHARED_DIFFERENCES]);
  const others = [...(await sections())].filter(
    ([heading, text]) => /\bHelmReleases?\b/.test(heading + text) && !known.has(heading),
  );
  assert.deepEqual(
    others.map(([heading]) => heading),
    [],
  );
});

it('differs in no condition, storage, history, inventory or object', () => {
  for (const { id, path } of HELM_RULES) assert.match(path.source, / > message\$$/, id);
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
