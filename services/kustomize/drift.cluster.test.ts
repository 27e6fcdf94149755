// Drift of what a Kustomization applied before it began to fail.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  configMap,
  type Harness,
  MERGE,
  manifests,
  startHarness,
  until,
} from './testing/harness.ts';

let h: Harness;
before(async () => {
  h = await startHarness();
});
after(() => h?.close());

const LONG = { timeoutMs: 20_000 };

test('while it fails drift makes no noise, and is put back with the next success', async () => {
  const ns = await h.namespace();
  const good = { 'good/a.yaml': manifests(configMap(ns, 'good', { v: 'ours' })) };
  const app = { 'app/a.yaml': manifests(configMap(ns, 'app', { v: 'ours' })) };
  await h.publish(ns, { ...good, ...app });
  for (const name of ['good', 'app']) await h.kustomization(ns, name, { path: `./${name}` });
  for (const name of ['good', 'app']) await h.ready(ns, name, 'True');
  const broken = await h.publish(ns, { ...good, 'app/a.yaml': 'kind: ConfigMap\n\tbroken: [' });
  await h.ready(ns, 'app', 'False', /a\.yaml/);
  await h.ready(ns, 'good', 'True', new RegExp(broken));

  const edit = (name: string, v: string) =>
    h.cluster.request(
      'PATCH',
      `/api/v1/namespaces/${ns}/configmaps/${name}?fieldManager=kubectl-edit`,
      { data: { v } },
      MERGE,
    );
  const holds = (name: string, v: string) =>
    until(async () => ((await h.configMap(ns, name))?.data as { v?: string })?.v === v, {
      ...LONG,
      message: `${name} to hold ${v}`,
    });
  for (const v of ['1', '2', '3', '4', '5']) await edit('app', v);
  // What is noticed later has been put right by now.
  await edit('good', 'theirs');
  await holds('good', 'ours');
  const told = h.events.filter(({ event }) => event.involvedObject.namespace === ns);
  const errors = told.filter(({ event }) => event.severity === 'error');
  assert.deepEqual(
    errors.map(({ event }) => event.reason),
    ['BuildFailed'],
  );
  assert.equal(((await h.configMap(ns, 'app'))?.data as { v?: string })?.v, '5');

  const mended = await h.publish(ns, { ...good, ...app });
  await h.ready(ns, 'app', 'True', new RegExp(mended));
  await holds('app', 'ours');
});
