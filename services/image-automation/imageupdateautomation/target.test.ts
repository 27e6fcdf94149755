import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { GitRepository, ImageUpdateAutomation } from '@weir/api';
import { targetOf } from './target.ts';

type Git = Partial<NonNullable<ImageUpdateAutomation['spec']['git']>>;

function target(git: Git, ref?: GitRepository['spec']['ref'], timeout?: string) {
  const automation: ImageUpdateAutomation = {
    ...{ apiVersion: 'image.toolkit.fluxcd.io/v1', kind: 'ImageUpdateAutomation' },
    metadata: { name: 'auto', namespace: 'ns' },
    spec: {
      interval: '1h',
      sourceRef: { apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'GitRepository', name: 'repo' },
      git: { commit: { author: { email: 'bot@example.com' } }, ...git },
    },
  };
  const source: GitRepository = {
    ...{ apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'GitRepository' },
    metadata: { name: 'repo', namespace: 'ns' },
    spec: {
      ...{ url: 'https://git.example.com/org/repo', interval: '1h' },
      ...(ref ? { ref } : {}),
      ...(timeout ? { timeout } : {}),
    },
  };
  return targetOf(automation, source);
}

const commit = 'a'.repeat(40);

describe('what is checked out and where it is pushed', () => {
  test('is the branch of the GitRepository, unless the automation names another one', () => {
    const own = target({}, { branch: 'main' });
    assert.deepEqual(
      [own.checkout, own.pushBranch, own.switchesBranch],
      [{ branch: 'main' }, 'main', false],
    );
    const other = target({ checkout: { ref: { branch: 'dev' } } }, { branch: 'main' });
    assert.deepEqual(
      [other.checkout, other.pushBranch, other.switchesBranch],
      [{ branch: 'dev' }, 'dev', false],
    );
    const pushed = target({ push: { branch: 'bumps' } }, { branch: 'main' });
    assert.deepEqual([pushed.pushBranch, pushed.switchesBranch], ['bumps', true]);
    assert.equal(target({ push: { branch: 'main' } }, { branch: 'main' }).switchesBranch, false);
  });

  test('without a reference is the default branch', () => {
    assert.equal(target({ push: { branch: 'master' } }).switchesBranch, false);
    assert.equal(target({ push: { branch: 'main' } }).switchesBranch, true);
  });

  for (const ref of [
    { tag: 'v1' },
    { semver: '1.x' },
    { name: 'refs/pull/1/head' },
    { commit: commit },
  ]) {
    test(`of ${Object.keys(ref)} needs a branch to push to`, () => {
      assert.throws(() => target({ checkout: { ref } }, { branch: 'main' }), {
        reason: 'SourceManagerFailed',
        message: /push spec not provided, and cannot be inferred/,
      });
      const pushed = target({ checkout: { ref }, push: { branch: 'bumps' } }, { branch: 'main' });
      assert.deepEqual([pushed.checkout, pushed.switchesBranch], [ref, true]);
    });
  }

  test('may be another reference too, if it is about the branch', () => {
    const also = (refspec: string) => target({ push: { refspec } }, { branch: 'main' }).alsoPush;
    assert.equal(also('refs/heads/main:refs/for/main'), 'refs/for/main');
    assert.equal(also(''), undefined);
    assert.throws(() => also('refs/heads/other:refs/for/main'), { reason: 'SourceManagerFailed' });
  });

  test('takes as long as the GitRepository says, ten minutes at most', () => {
    assert.equal(target({}, { branch: 'main' }).timeoutMs, 60_000);
    assert.equal(target({}, { branch: 'main' }, '5s').timeoutMs, 5_000);
    assert.equal(target({}, { branch: 'main' }, '60m').timeoutMs, 600_000);
  });
});
