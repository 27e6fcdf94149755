import { throws } from 'node:assert/strict';
import { test } from 'node:test';
import type { OCIRepository, OCIRepositorySpec } from '@weir/api';
import { refuseUnsupported } from '@weir/reconcile';
import { UNSUPPORTED } from './unsupported.ts';

function check(spec: Partial<OCIRepositorySpec>): void {
  const object: OCIRepository = {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'OCIRepository',
    metadata: { name: 'app', namespace: 'apps' },
    spec: { url: 'oci://ghcr.io/org/app', interval: '1m', ...spec },
  };
  refuseUnsupported(object, UNSUPPORTED);
}

test('what asks for what does not exist yet is refused by name', () => {
  const message = /^spec\.provider is not supported yet/;
  throws(() => check({ provider: 'aws' }), { reason: 'UnsupportedField', stalled: true, message });
});

test('the rest is not', () => {
  check({});
  check({ provider: 'generic' });
  check({ verify: { provider: 'cosign' } });
});
