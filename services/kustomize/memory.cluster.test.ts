// A build takes no more memory than the operator allows engines to take, whatever a tenant commits.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { findCondition, READY } from '@weir/api';
import { configMap, manifests, startHarness } from './testing/harness.ts';

/** A repository of less than a megabyte that unpacks to 80 MiB for a build. */
const TEXT = randomBytes(8 * 1024)
  .toString('hex')
  .repeat(64);
const BALLAST = Object.fromEntries(
  Array.from({ length: 80 }, (_, n) => [`ballast/${n}.txt`, `${n} ${TEXT}`]),
);

for (const [mib, status] of [
  ['128', 'False'],
  ['512', 'True'],
] as const) {
  test(`a build of 80 MiB where engines may take ${mib} MiB: Ready is ${status}, and others are applied`, async () => {
    const h = await startHarness({ 'engine-memory-mib': mib });
    try {
      const [large, other] = [await h.namespace(), await h.namespace()];
      await h.publish(large, { ...BALLAST, 'app/a.yaml': manifests(configMap(large, 'a')) });
      await h.kustomization(large, 'app', { path: './app' });
      const { conditions } = (await h.ready(large, 'app', status)).status ?? {};
      if (status === 'False') {
        const ready = findCondition(conditions, READY);
        assert.equal(ready?.reason, 'BuildFailed');
        assert.match(ready?.message ?? '', /'\.\/app' needs more memory than a build may take/);
      }
      await h.publish(other, { 'a.yaml': manifests(configMap(other, 'a')) });
      await h.kustomization(other, 'app');
      await h.ready(other, 'app', 'True');
    } finally {
      await h.close();
    }
  });
}
