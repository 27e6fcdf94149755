// The page about differences from Flux: its table of contents is complete, and says who is concerned.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { compatibilitySections } from '@weir/kit';

const SERVICES = [
  ...['sources', 'Kustomizations', 'HelmReleases', 'image automation', 'notification'],
];
const page = readFileSync(join(import.meta.dirname, '../../docs/compatibility.md'), 'utf8');
const sections = compatibilitySections();

/** The anchor that a heading gets. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}

test('the table of contents has each section under its part, in the order of the page', () => {
  const listed = page
    .split('\n')
    .filter((line) => /^\| \[.*\]\(#.*\) \|/.test(line))
    .flatMap((line) => {
      const [part, ...rest] = [...line.matchAll(/\[(.+?)\]\(#(.+?)\)/g)];
      for (const [, title = '', target] of [part ?? [], ...rest])
        assert.equal(target, anchor(title));
      return rest.map(([, heading]) => [part?.[1], heading]);
    });
  assert.deepEqual(
    listed,
    sections.map(({ part, heading }) => [part, heading]),
  );
});

test('a heading stands for one section', () => {
  const headings = sections.map(({ heading }) => heading);
  assert.equal(new Set(headings).size, headings.length);
});

test('sections of several services say which they concern, and no others do', () => {
  for (const { part, heading, concerns } of sections) {
    if (part === 'Several services') assert.ok(concerns.length > 1, heading);
    else assert.deepEqual(concerns, [], heading);
    for (const service of concerns) assert.ok(SERVICES.includes(service), `${heading}: ${service}`);
  }
});
