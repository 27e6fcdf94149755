// The tests that docs/security.md names are there: a claim whose test was renamed or removed would be none.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '../..');

/** A cell of the column "test": files, each with the titles, or parts of them, that follow it. */
interface Named {
  row: string;
  file: string;
  titles: string[];
}

const lines = readFileSync(join(ROOT, 'docs/security.md'), 'utf8').split('\n');
const header = '| what a tenant could try |';
const rows = lines.filter(
  (line, index) =>
    line.startsWith('| ') &&
    !line.startsWith(header) &&
    !line.startsWith('| ---') &&
    isInTable(index),
);

function isInTable(index: number): boolean {
  const above = lines.slice(0, index).reverse();
  const start = above.findIndex((line) => !line.startsWith('|'));
  return (above[start - 1] ?? '').startsWith(header);
}

function testsOf(row: string): Named[] {
  const cell = row.split(' | ')[2] ?? '';
  const named: Named[] = [];
  for (const part of cell.split('; ')) {
    const [, file, title] = /^`([^`]+\.(?:ts|go))`(?:: (.*))?$/.exec(part.trim()) ?? [];
    if (file !== undefined) named.push({ row, file, titles: title === undefined ? [] : [title] });
    else if (!part.startsWith('fixture ')) named.at(-1)?.titles.push(part.trim());
  }
  return named;
}

test('every row names a test', () => {
  assert.ok(rows.length > 40, `${rows.length} rows`);
  for (const row of rows) assert.ok(testsOf(row).length > 0, row);
});

for (const { file, titles } of rows.flatMap(testsOf)) {
  test(`${file}: ${titles.join('; ') || 'is there'}`, () => {
    const files = globSync(file, { cwd: ROOT });
    assert.ok(files.length > 0, `${file} does not exist`);
    const text = files.map((name) => readFileSync(join(ROOT, name), 'utf8')).join('\n');
    for (const title of titles) {
      // A title that is put together at run time is named by its fixed parts, with dots between them.
      for (const part of title.split('…'))
        assert.ok(text.includes(part.trim()), `no test '${title}'`);
    }
  });
}
