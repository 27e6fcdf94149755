import { deepEqual, throws } from 'node:assert/strict';
import { test } from 'node:test';
import type { OCIRepository, OCIRepositorySpec } from '@weir/api';
import { Failure } from '@weir/reconcile';
import { refuseUnsupportedFields } from './unsupported.ts';

function objectOf(spec: Partial<OCIRepositorySpec>): OCIRepository {
  return {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'OCIRepository',
    metadata: { name: 'app', namespace: 'apps' },
    spec: { url: 'oci://ghcr.io/org/app', interval: '1m', ...spec },
  };
}

test('what asks for what does not exist yet is refused by name', () => {
  const cases: [spec: Partial<OCIRepositorySpec>, field: RegExp][] = [
    [{ provider: 'aws' }, /^spec\.provider is not supported yet/],
    [
      { verify: { provider: 'cosign' } },
      /^spec\.verify without trustedRootSecretRef is not supported yet/,
    ],
    [
      { verify: { provider: 'cosign', matchOIDCIdentity: [{ issuer: 'a', subject: 'b' }] } },
      /^spec\.verify\.matchOIDCIdentity without trustedRootSecretRef is not supported yet/,
    ],
  ];
  for (const [spec, field] of cases) {
    throws(
      () => refuseUnsupportedFields(objectOf(spec)),
      (error: unknown) => {
        if (!(error instanceof Failure) || !field.test(error.message)) return false;
        deepEqual([error.reason, error.stalled], ['UnsupportedField', true]);
        return true;
      },
    );
  }
});

test('the rest is not', () => {
  refuseUnsupportedFields(objectOf({}));
  refuseUnsupportedFields(objectOf({ provider: 'generic' }));
  const secretRef = { name: 'keys' };
  const trustedRootSecretRef = { name: 'root' };
  const verify: NonNullable<OCIRepositorySpec['verify']>[] = [
    { provider: 'cosign', secretRef },
    { provider: 'cosign', secretRef, trustedRootSecretRef },
    {
      provider: 'cosign',
      trustedRootSecretRef,
      matchOIDCIdentity: [{ issuer: 'a', subject: 'b' }],
    },
    { provider: 'notation', secretRef },
  ];
  for (const one of verify) refuseUnsupportedFields(objectOf({ verify: one }));
});
