import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fullReleaseName, releaseTarget, timeoutMs } from './names.ts';
import { helmRelease } from './testing/values.ts';

test('a release is named after its object, with the namespace that it goes to', () => {
  assert.deepEqual(releaseTarget(helmRelease()), {
    ...{ name: 'web', namespace: 'apps', storageNamespace: 'apps' },
  });
  assert.deepEqual(releaseTarget(helmRelease({ targetNamespace: 't' })), {
    ...{ name: 't-web', namespace: 't', storageNamespace: 'apps' },
  });
  const named = helmRelease({ targetNamespace: 't', releaseName: 'r', storageNamespace: 's' });
  assert.deepEqual(releaseTarget(named), { name: 'r', namespace: 't', storageNamespace: 's' });
});

test('a name that is too long for Helm is cut, and its hash put behind', () => {
  const object = helmRelease({ targetNamespace: 'a-namespace-with-a-very-long-name-of-its-own' });
  object.metadata.name = 'and-an-object-too';
  const { name } = releaseTarget(object);
  // sha256sum of the whole name begins with these 12 digits.
  assert.equal(name, 'a-namespace-with-a-very-long-name-of-its-b4141d2b92fc');
  assert.equal(name.length, 53);
  assert.equal(fullReleaseName(object).length, 62);
});

test('an action has a timeout of its own, the one of the spec, or five minutes', () => {
  assert.equal(timeoutMs(helmRelease(), 'install'), 300_000);
  const spec = { timeout: '10s', test: { timeout: '1m' } };
  assert.equal(timeoutMs(helmRelease(spec), 'install'), 10_000);
  assert.equal(timeoutMs(helmRelease(spec), 'test'), 60_000);
  assert.equal(timeoutMs(helmRelease(spec)), 10_000);
  assert.equal(timeoutMs(helmRelease({ timeout: '10000h' })), 2 ** 31 - 1);
});
