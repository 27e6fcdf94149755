import assert from 'node:assert/strict';
import { it } from 'node:test';
import { compatibilitySections } from '@weir/kit';
import { HELM_DIFFERENCES, HELM_RULES, SHARED_DIFFERENCES } from './differences.ts';
import { loadHelmFixtures } from './fixture.ts';

/** More of them would make another API of it. */
const MOST = 6;

/** The sections of docs/compatibility.md by their headings. */
function sections(): Map<string, string> {
  return new Map(compatibilitySections().map(({ heading, text }) => [heading, text]));
}

it('has a heading in docs/compatibility.md for each difference on purpose', () => {
  const titles = sections();
  const headings = [
    ...HELM_RULES.map(({ id }) => id),
    ...HELM_DIFFERENCES.map(({ heading }) => heading),
    ...SHARED_DIFFERENCES,
  ];
  for (const heading of headings)
    assert.ok(titles.has(heading), `docs/compatibility.md has "### ${heading}"`);
});

it('has six differences at most, whether something switches them or not', () => {
  const ruled = HELM_RULES.map(({ id }) => id).filter((id) => !SHARED_DIFFERENCES.includes(id));
  const headings = new Set([...ruled, ...HELM_DIFFERENCES.map(({ heading }) => heading)]);
  assert.ok(headings.size <= MOST, [...headings].join('\n'));
});

it('says how those are switched that can be', () => {
  const titles = sections();
  for (const { heading, switchedBy = [] } of HELM_DIFFERENCES)
    for (const by of switchedBy) assert.ok(titles.get(heading)?.includes(by), `${heading}: ${by}`);
});

it('counts every section that is about HelmReleases', () => {
  const known = new Set([...HELM_DIFFERENCES.map(({ heading }) => heading), ...SHARED_DIFFERENCES]);
  const others = [...sections()].filter(
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
