import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readGates } from './feature-gates.ts';

const none = () => assert.fail('no gate is ignored');

test("gates start as Flux's do and change by name", () => {
  const gates = readGates([], none);
  assert.deepEqual([...new Set(Object.values(gates))], [false]);
  const changed = readGates(['DefaultToRetryOnFailure=true', ' UseHelm3Defaults = 1 '], none);
  assert.deepEqual(changed, { ...gates, DefaultToRetryOnFailure: true, UseHelm3Defaults: true });
});

test('a gate that changes nothing here is said', () => {
  const said: string[] = [];
  const items = ['DetectDrift=true', 'StrictPostBuildSubstitutions=true', 'AllowDNSLookups=false'];
  readGates(items, (gate) => said.push(gate));
  assert.deepEqual(said, ['DetectDrift', 'StrictPostBuildSubstitutions', 'AllowDNSLookups']);
});

test('what can not be had is refused by name', () => {
  const refuses = (item: string, message: RegExp) =>
    assert.throws(() => readGates([item], () => undefined), { name: 'SettingsError', message });
  refuses('AllowDNSLookups=true', /AllowDNSLookups is not supported: what renders charts has no/);
  refuses('NoSuchGate=true', /feature-gate 'NoSuchGate' not supported/);
});
