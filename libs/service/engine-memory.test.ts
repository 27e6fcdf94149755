import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineMemoryBytes } from './engine-memory.ts';
import { createSettings } from './settings.ts';

test('what engines may take is given in MiB, or left to the container', () => {
  const read = (value?: string) =>
    engineMemoryBytes(createSettings(value === undefined ? {} : { 'engine-memory-mib': value }));
  assert.equal(read(), undefined);
  assert.equal(read(''), undefined);
  assert.equal(read('512'), 512 * 1024 ** 2);
  for (const value of ['127', '0', '-1', 'much', '512Mi']) {
    assert.throws(() => read(value), {
      name: 'SettingsError',
      message: /^--engine-memory-mib=.*: not a number/,
    });
  }
});
