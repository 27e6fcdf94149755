// The differences from Flux in the recorded cases are few, and each is explained to users.
import { ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { compatibilitySections } from '@weir/kit';
import { DIFFERENCES } from './differences.ts';
import { caseNames } from './recorded/case.ts';
import { caseNames as updateNames } from './updates/case.ts';

/** More of them would make another API of it. */
const MAX_DIFFERENCES = 6;

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

test('differences on purpose are six at most, of recorded cases, and documented', async () => {
  const page = compatibilitySections().map(({ heading }) => heading);
  const cases = [...(await caseNames('')), ...(await updateNames())];
  ok(DIFFERENCES.length <= MAX_DIFFERENCES, `${DIFFERENCES.length} differences`);
  for (const { heading, messages = {}, files = [], replaced = [] } of DIFFERENCES) {
    ok(page.includes(heading), heading);
    const names = [...Object.keys(messages), ...files, ...replaced.map(({ name }) => name)];
    for (const name of names) ok(cases.includes(name), `there is no case ${name}`);
  }
});

test('what becomes of a case whose result is another one is tested', () => {
  for (const { test: path, title } of DIFFERENCES.flatMap(({ replaced = [] }) => replaced)) {
    ok(read(`../${path}`).includes(title), `${path}: ${title}`);
  }
});
