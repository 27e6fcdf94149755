import { equal, throws } from 'node:assert/strict';
import { test } from 'node:test';
import { isGateOn } from './feature-gates.ts';

const GATE = 'ObjectLevelWorkloadIdentity';

test('one gate is read, whatever others there are', () => {
  equal(isGateOn([], GATE), false);
  equal(isGateOn(['StrictPostBuildSubstitutions=true', 'Other'], GATE), false);
  equal(isGateOn(['Other=x', ` ${GATE}=true`], GATE), true);
  equal(isGateOn([`${GATE}=true`, `${GATE}=false`], GATE), false);
  throws(() => isGateOn([`${GATE}=perhaps`], GATE), /--feature-gates: .* has to be .*=true or/);
  throws(() => isGateOn([GATE], GATE), /has to be/);
});
