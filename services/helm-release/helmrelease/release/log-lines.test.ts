import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogLines } from './log-lines.ts';

test('the last ten lines are shown, repeated ones once, long ones cut', () => {
  let seconds = 0;
  const lines = createLogLines(() => new Date(1_000 * seconds++));
  assert.equal(lines.behind('failed'), 'failed');
  for (let line = 0; line < 12; line++) lines.add(`line ${line}`);
  for (let time = 0; time < 3; time++) lines.add('waiting');
  lines.add('x'.repeat(5_000));
  const [message, , title, , first, ...rest] = lines.behind('failed').split('\n');
  assert.deepEqual([message, title], ['failed', 'Last Helm logs:']);
  assert.equal(first, '1970-01-01T00:00:04.000Z: line 4');
  assert.ok(rest.some((line) => line.endsWith('waiting (1 duplicate line omitted)')));
  assert.ok((rest.at(-1) ?? '').length < 1_100);
});
