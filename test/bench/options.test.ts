import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readOptions } from './options.ts';

describe('the command line of the benchmark', () => {
  const read = (...args: string[]) => readOptions(args, ['commit', 'scale']);

  it('measures a commit unless told otherwise', () => {
    const expected = { scenarios: ['commit'], rounds: 20, apps: 100, help: false };
    assert.deepEqual(read(), expected);
    assert.deepEqual(read('--apps', '7'), { ...expected, scenarios: ['scale'], apps: 7 });
    const both = read('--scenario=commit', '--scenario=scale', '--rounds=3');
    assert.deepEqual(both, { ...expected, scenarios: ['commit', 'scale'], rounds: 3 });
  });

  it('says what it does not understand', () => {
    assert.throws(() => read('--scenario', 'speed'), /no scenario speed, only commit, scale/);
    assert.throws(() => read('--rounds', 'many'), /--rounds wants a number/);
    assert.throws(() => read('--apps', '0'), /at least 1/);
    assert.throws(() => read('--fast'), /--fast/);
  });
});
