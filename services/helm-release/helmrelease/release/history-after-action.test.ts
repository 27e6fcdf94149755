import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReleaseSnapshot } from '@weir/api';
import { afterRelease, afterRemediation, afterTests, afterUnlock } from './history-after-action.ts';
import { snapshot, stored } from './testing/values.ts';

/** Each as `v<version> <status> <action>`. */
function said(history: readonly ReleaseSnapshot[]): string[] {
  return history.map(({ version, status, action = '-' }) => `v${version} ${status} ${action}`);
}

test('an install begins the history, and an upgrade goes on with it', () => {
  const action = 'install';
  const installed = afterRelease([], [stored(1)], { action, ociDigest: 'sha256:oci' });
  assert.deepEqual(said(installed), ['v1 deployed install']);
  assert.equal(installed[0]?.ociDigest, 'sha256:oci');
  const upgraded = afterRelease(installed, [stored(2), stored(1, 'superseded')], {
    ...{ action: 'upgrade', ociDigest: undefined },
  });
  assert.deepEqual(said(upgraded), ['v2 deployed upgrade', 'v1 superseded -']);
  assert.deepEqual(
    upgraded.map(({ ociDigest }) => ociDigest),
    [undefined, 'sha256:oci'],
  );
});

test('a version that was not written again stays as it was', () => {
  const before = [snapshot(1, 'deployed', { action: 'install' })];
  const after = afterRelease(before, [stored(2, 'failed')], {
    ...{ action: 'upgrade', ociDigest: undefined },
  });
  assert.deepEqual(said(after), ['v2 failed upgrade', 'v1 deployed install']);
});

test('what stored nothing changes nothing', () => {
  const before = [snapshot(1)];
  assert.deepEqual(afterRelease(before, [], { action: 'upgrade', ociDigest: undefined }), before);
});

test('a rollback adds a version, and says so of all that it wrote', () => {
  const tests = { testHooks: { a: { phase: 'Succeeded' } } };
  const before = [snapshot(2, 'failed', { action: 'upgrade' }), snapshot(1, 'deployed', tests)];
  const written = [stored(3), stored(1, 'superseded')];
  const after = afterRemediation(before, written, 'rollback');
  assert.deepEqual(said(after), [
    'v3 deployed rollback',
    'v2 failed upgrade',
    'v1 superseded rollback',
  ]);
  assert.deepEqual(after[2]?.testHooks, tests.testHooks);
});

test('an uninstall adds no version', () => {
  const before = [snapshot(1, 'failed', { action: 'install' })];
  const written = [stored(1, 'uninstalled')];
  const remediated = afterRemediation(before, written, 'uninstall-remediation');
  assert.deepEqual(said(remediated), ['v1 uninstalled uninstall-remediation']);
  assert.deepEqual(said(afterRemediation([], written, 'uninstall')), []);
});

test('tests are those that the filters select, of the latest version', () => {
  const tests = { a: { phase: 'Succeeded' }, b: { phase: 'Failed' } };
  const before = [snapshot(2, 'deployed', { action: 'upgrade' }), snapshot(1, 'superseded')];
  const run = (filters?: Parameters<typeof afterTests>[2]) =>
    afterTests(before, [stored(2, 'deployed', { tests })], filters)[0]?.testHooks;
  assert.deepEqual(run(), tests);
  assert.deepEqual(run([{ name: 'a' }]), { a: tests.a });
  assert.deepEqual(run([{ name: 'a', exclude: true }]), { b: tests.b });
  assert.deepEqual(run([{ name: 'c' }]), {});
  assert.deepEqual(afterTests(before, [stored(1, 'superseded', { tests })], []), before);
});

test('an unlocked version that is known stays so, and another one is none of ours', () => {
  const known = [snapshot(1, 'pending-install', { action: 'install' })];
  assert.deepEqual(said(afterUnlock(known, [stored(1, 'failed')])), ['v1 failed install']);
  const before = [snapshot(1, 'deployed', { action: 'install' })];
  assert.deepEqual(said(afterUnlock(before, [stored(2, 'failed')])), ['v1 deployed install']);
});
