// Charts that exceed a limit: each fails alone, with a message that says what is too large or takes too long.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { findCondition, READY } from '@weir/api';
import { ConfigMap } from '@weir/kube';
import { configMap } from './testing/charts.ts';
import { type Harness, startHarness, until } from './testing/harness.ts';

let h: Harness;
before(async () => {
  h = await startHarness();
});
after(() => h?.close());

const MIB = 1024 ** 2;
const HOOKS = 1_000;
/**
 * The time that a release with many hooks may take, as in its spec, and how long the tests wait for it: a little more,
 * in ms.
 */
const TIMEOUT = '5m';
const LATE_MS = 330_000;

test('a template without end and one that eats memory fail, while others are released', async () => {
  const [endless, hungry, good] = [await h.namespace(), await h.namespace(), await h.namespace()];
  const bad = (template: string) => ({ files: { 'templates/bad.yaml': template } });
  await h.chart(endless, bad('{{ range 1000000000000 }}{{ end }}'));
  await h.chart(hungry, bad('{{ $x := "x" }}{{ range 40 }}{{ $x = print $x $x }}{{ end }}'));
  await h.release(endless, 'web', { timeout: '10s' });
  await h.release(hungry, 'web');
  await h.ready(hungry, 'web', 'False', /rendering needs more memory than the limit of \d+ bytes/);
  const startedAt = performance.now();
  await h.chart(good);
  await h.release(good, 'web');
  await h.ready(good, 'web', 'True');
  assert.ok(performance.now() - startedAt < 30_000, 'nobody waited for the one without end');
  await eventually(endless, /rendering took longer than 10000 ms/);
  for (const ns of [endless, hungry]) {
    assert.deepEqual(await h.versions(ns, 'web'), []);
    // Without this they would be retried during the tests that follow.
    await h.release(ns, 'web', { suspend: true });
  }
});

test('a chart of 20 MB is refused before anything is applied', async () => {
  const ns = await h.namespace();
  const noise = randomBytes(15 * MIB).toString('base64');
  await h.chart(ns, { files: { 'files/noise.txt': noise } });
  await h.release(ns, 'web');
  await h.ready(
    ns,
    'web',
    'False',
    /^Could not load chart: size of chart exceeds '10485760' bytes limit$/,
  );
  assert.deepEqual(await h.versions(ns, 'web'), []);
  assert.equal(await h.configMap(ns, 'web-cfg'), undefined);
});

test('a chart of 1,000 hooks runs each of them once', async () => {
  const ns = await h.namespace();
  const hook = configMap('hook', 'x', {
    'helm.sh/hook': 'post-install',
    'helm.sh/hook-delete-policy': 'before-hook-creation',
  });
  const many = `{{ range until ${HOOKS} }}${hook.replace('name: {{ .Release.Name }}-hook', 'name: hook-{{ . }}')}---\n{{ end }}`;
  await h.chart(ns, { files: { 'templates/hooks.yaml': many } });
  await h.release(ns, 'web', { timeout: TIMEOUT });
  await eventually(ns, /Helm install succeeded/);
  const { items } = await h.client.list(ConfigMap, { namespace: ns });
  const ran = items.filter(({ metadata }) => metadata.name.startsWith('hook-'));
  assert.equal(ran.length, HOOKS);
  assert.deepEqual(await h.versions(ns, 'web'), ['sh.helm.release.v1.web.v1']);
});

/** Waits for a message of Ready that takes long to appear. */
async function eventually(namespace: string, message: RegExp): Promise<void> {
  await until(
    async () => {
      const { status } = await h.read(namespace, 'web');
      const found = findCondition(status?.conditions, READY)?.message ?? '';
      if (message.test(found)) return true;
      const { items } = await h.client.list(ConfigMap, { namespace });
      throw new Error(`"${found}", with ${items.length} ConfigMaps`);
    },
    { timeoutMs: LATE_MS, intervalMs: 500, message: String(message) },
  );
}
