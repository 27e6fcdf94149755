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

test('large files over ssh are refused', () => {
  refuseUnsupportedFields(repository({ suspend: true, recurseSubmodules: true }));
  refuseUnsupportedFields(repository({ lfs: true }));
  const overSsh = repository({ lfs: true, url: 'ssh://git@host/web' });
  assert.throws(() => refuseUnsupportedFields(overSsh), { stalled: true, message: /^spec\.lfs / });
});
