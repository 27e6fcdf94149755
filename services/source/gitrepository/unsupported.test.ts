import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GitRepository, GitRepositorySpec } from '@weir/api';
import { refuseUnsupportedFields } from './unsupported.ts';

function repository(spec: Partial<GitRepositorySpec>): GitRepository {
  return {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: { name: 'web', namespace: 'apps' },
    spec: { url: 'https://host/web', interval: '1m', ...spec },
  };
}

test('fields without behaviour are named', () => {
  for (const provider of ['generic', 'github'] as const) {
    refuseUnsupportedFields(repository({ provider, suspend: true, recurseSubmodules: true }));
  }
  refuseUnsupportedFields(repository({ lfs: true }));
  const overSsh = repository({ lfs: true, url: 'ssh://git@host/web' });
  assert.throws(() => refuseUnsupportedFields(overSsh), { stalled: true, message: /^spec\.lfs / });
  const asksForAll = repository({
    provider: 'azure',
    serviceAccountName: 's',
  });
  const fields = ['spec.provider', 'spec.serviceAccountName'];
  assert.throws(() => refuseUnsupportedFields(asksForAll), {
    reason: 'UnsupportedField',
    stalled: true,
    message: `${fields.join(', ')} are not supported yet: remove them, or see the documentation for what works today`,
  });
});
