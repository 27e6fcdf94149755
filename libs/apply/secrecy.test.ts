import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '@weir/kube';
import { DryRunError } from './errors.ts';
import { withoutSecrets } from './secrecy.ts';

const secret = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { namespace: 'apps', name: 'login' },
  stringData: { password: 'hunter2!', nested: { deep: 'even deeper' }, pin: 1234567 },
  data: { token: Buffer.from('t0p-s3cret').toString('base64') },
};

test('no value of a Secret is quoted, in whatever form', () => {
  for (const value of [
    'hunter2!',
    'even deeper',
    '1234567',
    't0p-s3cret',
    Buffer.from('t0p-s3cret').toString('base64'),
    Buffer.from('hunter2!').toString('base64'),
  ]) {
    assert.equal(withoutSecrets(secret, `bad value "${value}" here`), 'bad value "***" here');
  }
});

test('a dump of a value of the wrong type is cut out', () => {
  const dump =
    '.stringData.x: expected string, got &value.valueUnstructured{Value:map[string]{"y":"a"}}';
  assert.equal(withoutSecrets(secret, dump), '.stringData.x: expected string, got ***');
});

test('what is said of other objects stays as it is', () => {
  const config = { ...secret, kind: 'ConfigMap' };
  assert.equal(withoutSecrets(config, 'not hunter2!'), 'not hunter2!');
});

test('a failed dry-run carries no value, neither in its message nor in its cause', () => {
  const cause = new ApiError('cannot read hunter2!', { status: 422, reason: 'Invalid' });
  const error = new DryRunError(secret, cause);
  assert.equal(error.message, 'Secret/apps/login dry-run failed (Invalid): cannot read ***');
  assert.ok(error.cause instanceof ApiError);
  assert.equal(error.cause.reason, 'Invalid');
  assert.doesNotMatch(String(error.cause.stack), /hunter2/);
});
