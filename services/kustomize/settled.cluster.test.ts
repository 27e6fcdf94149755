// A Kustomization that is known to be unchanged causes no build, no requests for its objects, and no writes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  configMap,
  type Files,
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

/** The requests about an object of the namespace so far, as `<verb> <subresource or query>`. */
async function requests(namespace: string, resource: string, name: string): Promise<string[]> {
  const path = new RegExp(`/namespaces/${namespace}/${resource}/${name}(?=[/?]|$)`);
  const all = await h.cluster.audit();
  return all.filter((it) => path.test(it.requestURI)).map(({ verb }) => verb);
}

const asked = async (namespace: string, name: string) =>
  (await requests(namespace, 'configmaps', name)).length;

function build(namespace: string, data: Record<string, string>): Files {
  const objects = Object.entries(data).map(([name, v]) => configMap(namespace, name, { v }));
  return { 'a.yaml': manifests(...objects) };
}

async function value(namespace: string, name: string): Promise<unknown> {
  const object = await h.configMap(namespace, name);
  return (object?.data as { v?: string } | undefined)?.v;
}

function edit(namespace: string, name: string, v: string): Promise<unknown> {
  const path = `/api/v1/namespaces/${namespace}/configmaps/${name}`;
  return h.cluster.request('PATCH', path, { data: { v } }, MERGE);
}

test('an interval with nothing changed asks nothing and writes nothing', async () => {
  const ns = await h.namespace();
  await h.cluster.request('POST', `/api/v1/namespaces/${ns}/configmaps`, {
    metadata: { name: 'vars' },
  });
  await h.publish(ns, build(ns, { a: '1' }));
  // At an interval only the variables are read, which shows that the interval has passed.
  const postBuild = { substituteFrom: [{ kind: 'ConfigMap' as const, name: 'vars' }] };
  await h.kustomization(ns, 'app', { interval: '200ms', wait: true, postBuild });
  const before = await h.ready(ns, 'app', 'True');
  const quiet = await asked(ns, 'a');
  const intervals = await asked(ns, 'vars');
  const passed = async () => (await asked(ns, 'vars')) >= intervals + 3;
  await until(passed, { ...LONG, message: 'three intervals' });
  assert.equal(await asked(ns, 'a'), quiet);
  const after = await h.read(ns, 'app');
  assert.equal(after.metadata.resourceVersion, before.metadata.resourceVersion);
});

test('of a commit, only what it changes is asked about', async () => {
  const ns = await h.namespace();
  await h.publish(ns, build(ns, { a: '1', b: '1' }));
  await h.kustomization(ns, 'app');
  await h.ready(ns, 'app', 'True');
  const quiet = await asked(ns, 'a');
  const revision = await h.publish(ns, build(ns, { a: '1', b: '2' }));
  await h.ready(ns, 'app', 'True', new RegExp(revision));
  assert.equal(await value(ns, 'b'), '2');
  assert.equal(await asked(ns, 'a'), quiet);
});

test('of a drift, only what drifted is asked about; a request looks at everything', async () => {
  const ns = await h.namespace();
  await h.publish(ns, build(ns, { a: '1', b: '1' }));
  await h.kustomization(ns, 'app');
  await h.ready(ns, 'app', 'True');
  const quiet = await asked(ns, 'a');
  await edit(ns, 'b', 'by hand');
  await until(async () => (await value(ns, 'b')) === '1', { ...LONG, message: 'b to be put back' });
  await h.cluster.request('DELETE', `/api/v1/namespaces/${ns}/configmaps/b`);
  await until(async () => (await value(ns, 'b')) === '1', { ...LONG, message: 'b to come back' });
  assert.equal(await asked(ns, 'a'), quiet);

  const request = { metadata: { annotations: { 'reconcile.fluxcd.io/requestedAt': 'now' } } };
  const path = `/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/${ns}/kustomizations/app`;
  await h.cluster.request('PATCH', path, request, MERGE);
  const handled = async () => (await h.read(ns, 'app')).status?.lastHandledReconcileAt === 'now';
  await until(handled, { ...LONG, message: 'the request to be handled' });
  assert.ok((await asked(ns, 'a')) > quiet);
});

test('what was deleted with the path of its manifest is not missed', async () => {
  const ns = await h.namespace();
  await h.publish(ns, build(ns, { a: '1', b: '1' }));
  await h.kustomization(ns, 'app');
  await h.ready(ns, 'app', 'True');
  const revision = await h.publish(ns, build(ns, { a: '1' }));
  await h.ready(ns, 'app', 'True', new RegExp(revision));
  assert.equal(await h.configMap(ns, 'b'), undefined);
  await edit(ns, 'a', 'by hand');
  await until(async () => (await value(ns, 'a')) === '1', { ...LONG, message: 'a to be put back' });
});

test('after a restart, what is in sync is left alone and what is not is put right', async () => {
  const ns = await h.namespace();
  await h.publish(ns, build(ns, { a: '1', b: '1' }), { name: 'one' });
  await h.publish(ns, build(ns, { c: '1', d: '1' }), { name: 'two' });
  const from = (name: string) => ({ sourceRef: { kind: 'GitRepository' as const, name } });
  await h.kustomization(ns, 'quiet', { ...from('one'), wait: true });
  await h.kustomization(ns, 'drifted', from('two'));
  await h.kustomization(ns, 'committed', { ...from('three') });
  await h.publish(ns, build(ns, { e: '1', f: '1' }), { name: 'three' });
  const before = await h.ready(ns, 'quiet', 'True');
  await h.ready(ns, 'drifted', 'True');
  await h.ready(ns, 'committed', 'True');

  await h.stop();
  const quiet = await Promise.all(['a', 'b', 'c', 'f'].map((name) => asked(ns, name)));
  await edit(ns, 'd', 'by hand');
  const revision = await h.publish(ns, build(ns, { e: '2', f: '1' }), { name: 'three' });
  await h.start();
  await until(async () => (await value(ns, 'd')) === '1', { ...LONG, message: 'd to be put back' });
  await h.ready(ns, 'committed', 'True', new RegExp(revision));
  assert.equal(await value(ns, 'e'), '2');
  const after = await h.read(ns, 'quiet');
  assert.equal(after.metadata.resourceVersion, before.metadata.resourceVersion);
  // The process knows the Kustomization by now, so that this is not merely a late first run.
  await edit(ns, 'a', 'by hand');
  await until(async () => (await value(ns, 'a')) === '1', { ...LONG, message: 'a to be put back' });
  const [, ...others] = quiet;
  const now = await Promise.all(['b', 'c', 'f'].map((name) => asked(ns, name)));
  assert.deepEqual(now, others);
});

test('a restart without what was kept compares everything, and writes nothing', async () => {
  const ns = await h.namespace();
  await h.publish(ns, build(ns, { a: '1' }));
  await h.kustomization(ns, 'app');
  const before = await h.ready(ns, 'app', 'True');
  const { resourceVersion } = (await h.configMap(ns, 'a'))?.metadata ?? {};
  await h.stop();
  const jsm = await (await h.bus.jetstream()).jetstreamManager();
  await jsm.streams.delete('weir-records');
  const known = await asked(ns, 'a');
  await h.start();
  await until(async () => (await asked(ns, 'a')) > known, { ...LONG, message: 'a comparison' });
  await edit(ns, 'a', 'by hand');
  await until(async () => (await value(ns, 'a')) === '1', { ...LONG, message: 'a to be put back' });
  assert.ok(resourceVersion);
  const after = await h.read(ns, 'app');
  assert.equal(after.metadata.resourceVersion, before.metadata.resourceVersion);
});
