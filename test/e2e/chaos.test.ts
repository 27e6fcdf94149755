import assert from 'node:assert/strict';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '@weir/cluster';

const CHAOS = fileURLToPath(new URL('../chaos/chaos.ts', import.meta.url));

it('ends at the last commit, whichever services were stopped and killed on the way', async () => {
  const args = [CHAOS, '--seconds=15', '--apps=6'];
  const { code, stdout, stderr } = await run(process.execPath, args);
  // The first line of the output contains the seed, by which the run can be repeated.
  assert.equal(code, 0, stdout + stderr);
});
