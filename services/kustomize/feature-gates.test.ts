import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readGates } from './feature-gates.ts';

const none = () => assert.fail('no gate is ignored');

test("gates start as Flux's do and change by name", () => {
  const gates = readGates([], none);
  assert.equal(gates.StrictPostBuildSubstitutions, true);
  assert.equal(gates.CancelHealthCheckOnNewRevision, false);
  const changed = readGates(
    ['StrictPostBuildSubstitutions=false', ' GroupChangeLog = True '],
    none,
  );
  assert.deepEqual(changed, {
    ...gates,
    StrictPostBuildSubstitutions: false,
    GroupChangeLog: true,
  });
});

test('a gate that changes nothing here is told', () => {
  const told: string[] = [];
  readGates(['DisableStatusPollerCache=true', 'CacheSecretsAndConfigMaps=false'], (gate) =>
    told.push(gate),
  );
  assert.deepEqual(told, ['DisableStatusPollerCache', 'CacheSecretsAndConfigMaps']);
});

test('what can not be followed is refused by name', () => {
  const refuses = (item: string, message: RegExp) =>
    assert.throws(() => readGates([item], () => undefined), { name: 'SettingsError', message });
  refuses('NoSuchGate=true', /feature-gate 'NoSuchGate' not supported/);
  refuses('toString=true', /feature-gate 'toString' not supported/);
  refuses('GroupChangeLog', /GroupChangeLog has to be GroupChangeLog=true or/);
  refuses('GroupChangeLog=yes', /GroupChangeLog=yes has to be/);
});
