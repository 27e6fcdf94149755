import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Kustomization } from '@weir/api';
import { NO_CLOUD_KEYS } from '../decryption/cloud-keys.ts';
import { createKeyedDigest } from '../last-build/keyed-digest.ts';
import { type Inputs, inputSources, inputsDigest } from './inputs.ts';

const digest = createKeyedDigest(Buffer.from('key'));
const of = (inputs: Partial<Inputs>, with_ = digest) =>
  inputsDigest(with_, { substitute: undefined, credentials: undefined, ...inputs });

test('variables are told apart, whatever their order', () => {
  const one = of({ substitute: { vars: { a: '1', b: '2' } } });
  assert.equal(of({ substitute: { vars: { b: '2', a: '1' } } }), one);
  assert.notEqual(of({ substitute: { vars: { a: '1', b: '3' } } }), one);
  assert.notEqual(of({ substitute: { vars: {} } }), of({}));
  assert.notEqual(of({ substitute: { vars: {}, always: true } }), of({ substitute: { vars: {} } }));
});

test('keys for decryption are told apart', () => {
  const keyOf = (text: string) => ({
    keys: { origin: '', age: [{ name: 'a.agekey', text }], pgp: [] },
    ...{ vaultToken: undefined, clouds: { ...NO_CLOUD_KEYS } },
    account: { namespace: 'apps', serviceAccountName: undefined },
  });
  const ofCloud = (secretAccessKey: string) => {
    const aws = { accessKeyId: 'id', secretAccessKey };
    return { ...keyOf('one'), clouds: { ...NO_CLOUD_KEYS, aws } };
  };
  assert.notEqual(of({ credentials: ofCloud('one') }), of({ credentials: ofCloud('two') }));
  assert.equal(of({ credentials: keyOf('one') }), of({ credentials: keyOf('one') }));
  assert.notEqual(of({ credentials: keyOf('one') }), of({ credentials: keyOf('two') }));
  assert.notEqual(of({ credentials: keyOf('one') }), of({}));
});

test('a digest says nothing to those who lack the key', () => {
  const substitute = { vars: { password: 'hunter2' } };
  const [a, b] = ['one', 'two'].map((key) =>
    of({ substitute }, createKeyedDigest(Buffer.from(key))),
  );
  assert.notEqual(a, b);
});

test('what is followed: variables and the Secret with the keys', () => {
  const object = {
    metadata: { namespace: 'apps', name: 'app' },
    spec: {
      postBuild: { substituteFrom: [{ kind: 'ConfigMap', name: 'vars' }] },
      decryption: { provider: 'sops', secretRef: { name: 'keys' } },
    },
  } as unknown as Kustomization;
  assert.deepEqual(inputSources(object), ['ConfigMap/apps/vars', 'Secret/apps/keys']);
});
