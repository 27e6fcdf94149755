import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { unsupportedFields, unsupportedMessage } from './unsupported.ts';

const object = {
  apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
  kind: 'Kustomization',
  metadata: { name: 'app' },
  spec: {
    sourceRef: { kind: 'Bucket', name: 'b' },
    decryption: { provider: 'sops' },
    suspend: false,
    ignore: [],
    kubeConfig: {},
    namePrefix: '',
    dependsOn: [{ name: 'a' }, { name: 'b', readyExpr: 'true' }],
  },
};

describe('unsupportedFields', () => {
  it('names the fields that are used, items of lists too', () => {
    const rules = ['spec.decryption', 'spec.dependsOn[].readyExpr', 'spec.verify.mode'];
    assert.deepEqual(unsupportedFields(object, rules), [
      'spec.decryption',
      'spec.dependsOn[1].readyExpr',
    ]);
  });

  it('lets pass what asks for nothing', () => {
    const rules = ['spec.suspend', 'spec.ignore', 'spec.kubeConfig', 'spec.namePrefix', 'spec.x'];
    assert.deepEqual(unsupportedFields(object, rules), []);
  });

  it('lets pass the values that are allowed', () => {
    const rule = { path: 'spec.sourceRef.kind', allowed: ['GitRepository'] };
    assert.deepEqual(unsupportedFields(object, [rule]), ['spec.sourceRef.kind']);
    assert.deepEqual(unsupportedFields(object, [{ ...rule, allowed: ['Bucket'] }]), []);
  });

  it('does not take what every object has for a field', () => {
    assert.deepEqual(unsupportedFields(object, ['spec.constructor', 'spec.toString.name']), []);
  });

  it('does not fall over an object without a spec', () => {
    const { spec: _, ...bare } = object;
    assert.deepEqual(unsupportedFields(bare, ['spec.decryption', 'spec.dependsOn[].x']), []);
  });
});

describe('unsupportedMessage', () => {
  it('says which and what to do', () => {
    assert.match(unsupportedMessage(['spec.a']), /^spec\.a is not supported yet: remove it/);
    assert.match(unsupportedMessage(['spec.a', 'spec.b']), /^spec\.a, spec\.b are not supported/);
  });
});
