import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSettings, leaseTimes, SettingsError, variableOf } from './settings.ts';

test('a flag wins over a variable, which wins over the default', () => {
  const settings = createSettings({ concurrent: '4' }, { WEIR_CONCURRENT: '8', WEIR_PORT: '1' });
  assert.equal(settings.number('concurrent', 16), 4);
  assert.equal(settings.number('port', 2), 1);
  assert.equal(settings.number('other', 3), 3);
  assert.equal(variableOf('no-cross-namespace-refs'), 'WEIR_NO_CROSS_NAMESPACE_REFS');
});

test('values are read as what is asked for', () => {
  const settings = createSettings({
    on: 'true',
    bare: '',
    off: 'false',
    age: '1m30s',
    names: 'a, b,,c ',
    none: '',
  });
  assert.equal(settings.boolean('on', false), true);
  assert.equal(settings.boolean('bare', false), true);
  assert.equal(settings.boolean('off', true), false);
  assert.equal(settings.boolean('absent', true), true);
  assert.equal(settings.duration('age', 0), 90_000);
  assert.deepEqual(settings.list('names'), ['a', 'b', 'c']);
  assert.deepEqual(settings.list('none'), []);
  assert.deepEqual(settings.list('absent'), []);
});

test('a choice is one of its options', () => {
  const settings = createSettings({ 'nats-storage': 'memory', 'log-level': 'loud' });
  assert.equal(settings.choice('nats-storage', ['file', 'memory'], 'file'), 'memory');
  assert.equal(settings.choice('other', ['file', 'memory'], 'file'), 'file');
  assert.throws(() => settings.choice('log-level', ['info', 'warn'], undefined), {
    name: 'SettingsError',
    message: '--log-level=loud: not one of info, warn',
  });
});

test('an empty variable is one that is not set', () => {
  assert.equal(createSettings({}, { WEIR_PORT: '' }).number('port', 7), 7);
});

test('what cannot be read is refused by name, with what it takes', () => {
  const settings = createSettings({ port: 'many', on: 'maybe', age: '5 minutes' });
  const refuses = (read: () => unknown, message: string) =>
    assert.throws(read, (error) => error instanceof SettingsError && error.message === message);
  refuses(() => settings.number('port', 0), '--port=many: not a number');
  refuses(() => settings.boolean('on', false), '--on=maybe: not true or false');
  refuses(() => settings.duration('age', 0), '--age=5 minutes: not a duration such as 1m30s');
});

test('a number outside of its range is refused, with the range', () => {
  const flags = { 'health-port': '99999', 'half-port': '1.5', concurrent: '0', percent: '-1' };
  const settings = createSettings(flags);
  const refuses = (read: () => unknown, message: string) => assert.throws(read, { message });
  refuses(() => settings.port('health-port', 1), '--health-port=99999: not a port from 0 to 65535');
  refuses(() => settings.port('half-port', 1), '--half-port=1.5: not a port from 0 to 65535');
  refuses(
    () => settings.number('concurrent', 1, { min: 1 }),
    '--concurrent=0: not a number from 1',
  );
  refuses(
    () => settings.number('percent', 1, { min: 0, max: 100 }),
    '--percent=-1: not a number from 0 to 100',
  );
  assert.equal(settings.port('other', 9440), 9440);
});

test('a lease is renewed three times in its life unless told otherwise', () => {
  assert.deepEqual(leaseTimes(createSettings({})), { leaseMs: 15_000, renewMs: 5_000 });
  const flags = { 'lease-duration': '3s', 'lease-renew-interval': '500ms' };
  assert.deepEqual(leaseTimes(createSettings(flags)), { leaseMs: 3_000, renewMs: 500 });
});
