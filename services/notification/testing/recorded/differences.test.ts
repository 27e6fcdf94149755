// The differences from Flux are few, and each is explained to users.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compatibilitySections } from '@weir/kit';
import { readCases } from './case.ts';
import { DIFFERENCES } from './differences.ts';

/** More of them would make another API of it. */
const MAX_DIFFERENCES = 8;

/** Differences that no recorded case shows. Fields that only Weir has are none: without them all is as under Flux. */
const OTHERS = ['Commit statuses are pending meanwhile', 'What comes from outside is bounded'];

const page = compatibilitySections().map(({ heading }) => heading);

test('differences on purpose are eight at most, and documented', () => {
  const headings = new Set([...DIFFERENCES.map(({ heading }) => heading), ...OTHERS]);
  assert.ok(headings.size <= MAX_DIFFERENCES, [...headings].join('\n'));
  for (const heading of headings) assert.ok(page.includes(heading), heading);
});

test('each difference is one of recorded cases', () => {
  const names = ['provider', 'transport', 'alert', 'endpoint', 'receiver'].flatMap((folder) =>
    readCases(folder).flatMap((file) => file.cases.map((each) => `${file.name}/${each.name}`)),
  );
  for (const { cases } of DIFFERENCES)
    assert.ok(
      names.some((name) => cases.test(name)),
      String(cases),
    );
});
