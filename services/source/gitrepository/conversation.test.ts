// Flux's messages for a remote that can't be reached, which differ between listing references and cloning at once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GitRepository } from '@weir/api';
import { GitError } from '@weir/git';
import { findCause, messageOf } from '@weir/reconcile';
import { resolveFailure } from './conversation.ts';

const refused = new GitError(
  'AuthenticationFailed',
  "unable to list remote for 'https://git.example.com/a': authentication required",
);
const artifact = { revision: 'main@sha1:0' };
const LISTED = /^failed to checkout and determine revision: unable to list remote for 'https:/;
const CLONED = /^failed to checkout and determine revision: unable to clone 'https:/;

function said(ref: GitRepository['spec']['ref'], status: object): string {
  return messageOf(resolveFailure(refused, { spec: { ref }, status } as GitRepository));
}

test('a branch or tag is cloned first, and listed once there is an artifact', () => {
  for (const ref of [undefined, {}, { branch: 'main' }, { tag: 'v1' }]) {
    assert.match(said(ref, {}), CLONED);
    assert.match(said(ref, { artifact }), LISTED);
  }
});

test('a commit and a range are always cloned, and a name is always listed', () => {
  for (const status of [{}, { artifact }]) {
    assert.match(said({ commit: '0'.repeat(40), branch: 'main' }, status), CLONED);
    assert.match(said({ semver: '>=1', branch: 'main' }, status), CLONED);
    assert.match(said({ name: 'refs/pull/1/head', semver: '>=1' }, status), LISTED);
  }
});

test('what the remote refused is still known', () => {
  const failure = resolveFailure(refused, { spec: {}, status: {} } as GitRepository);
  assert.ok(findCause(failure, (cause) => cause === refused));
});
