// The differences from Flux in the recorded cases are few, and each is explained to users.
import { ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { caseNames } from './case.ts';
import { DIFFERENCES } from './differences.ts';

/** More of them would make another API of it. */
const MAX_DIFFERENCES = 6;

test('differences on purpose are six at most, of recorded cases, and documented', async () => {
  const page = readFileSync(
    new URL('../../../../docs/compatibility.md', import.meta.url),
    'utf8',
  ).split('\n');
  const cases = await caseNames('');
  const messages = DIFFERENCES.flatMap((it) => Object.keys(it.messages));
  ok(messages.length <= MAX_DIFFERENCES, `${messages.length} differences`);
  for (const name of messages) ok(cases.includes(name), `there is no case ${name}`);
  for (const { heading } of DIFFERENCES) ok(page.includes(`## ${heading}`), heading);
});
