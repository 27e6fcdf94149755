// A chart becomes a release, and the release follows the chart, the values and what people ask.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { configMap } from './testing/charts.ts';
import { type Harness, startHarness } from './testing/harness.ts';

let h: Harness;
before(async () => {
  h = await startHarness();
});
after(() => h?.close());

test('a chart is installed, with its values', async () => {
  const ns = await h.namespace();
  await h.chart(ns);
  await h.release(ns, 'web', { values: { color: 'red' } });
  const ready = await h.ready(
    ns,
    'web',
    'True',
    /^Helm install succeeded for release .*\/web.v1 with chart app@1.0.0$/,
  );
  assert.equal((await h.configMap(ns, 'web-cfg'))?.data?.color, 'red');
  assert.deepEqual(await h.versions(ns, 'web'), ['sh.helm.release.v1.web.v1']);
  const { status } = ready;
  assert.equal(status?.observedGeneration, 1);
  assert.equal(status?.history?.[0]?.status, 'deployed');
  assert.deepEqual(
    status?.inventory?.entries.map(({ id }) => id),
    [`${ns}_web-cfg__ConfigMap`],
  );
});

test('a new chart and new values are upgrades', async () => {
  const ns = await h.namespace();
  await h.chart(ns);
  await h.release(ns, 'web');
  await h.ready(ns, 'web', 'True', /install succeeded/);
  await h.chart(ns, { version: '1.1.0', files: { 'templates/more.yaml': configMap('more', 'x') } });
  await h.ready(
    ns,
    'web',
    'True',
    /upgrade succeeded for release .*\/web.v2 with chart app@1.1.0$/,
  );
  assert.ok(await h.configMap(ns, 'web-more'));
  await h.release(ns, 'web', { values: { color: 'green' } });
  const third = await h.ready(ns, 'web', 'True', /web.v3/);
  assert.equal((await h.configMap(ns, 'web-cfg'))?.data?.color, 'green');
  assert.deepEqual(
    third.status?.history?.map(({ version, status }) => `${version} ${status}`),
    ['3 deployed', '2 superseded'],
  );
});

test('a template that fails is said with its file and line, and a chart that works then is released', async () => {
  const ns = await h.namespace();
  const bad = configMap('bad', '{{ .Values.missing.value }}');
  await h.chart(ns, { files: { 'templates/bad.yaml': bad } });
  await h.release(ns, 'web');
  const failed = await h.ready(
    ns,
    'web',
    'False',
    /^Helm install failed for .*app\/templates\/bad.yaml:/,
  );
  assert.ok((failed.status?.failures ?? 0) > 0);
  assert.equal(failed.status?.installFailures, undefined);
  await h.chart(ns, { version: '1.0.1' });
  await h.ready(ns, 'web', 'True', /app@1.0.1$/);
});
