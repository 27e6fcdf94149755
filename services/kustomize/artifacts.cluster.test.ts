// What makes a Kustomization run when a source has a new artifact, and what an artifact without changes costs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { findCondition, GitRepository, READY } from '@weir/api';
import { artifactSubject, publishArtifact } from '@weir/artifact';
import { packInMemory, putArtifact } from '@weir/artifact/testing';
import {
  configMap,
  type Harness,
  MERGE,
  manifests,
  startHarness,
  until,
} from './testing/harness.ts';
import { eventLike, eventsOf, inventoryIds, timeoutMs } from './testing/observe.ts';

let h: Harness;
before(async () => {
  h = await startHarness({ 'requeue-dependency': '1h' });
});
after(() => h?.close());

test('a source that is only watched is followed too', async () => {
  const ns = await h.namespace();
  await h.kustomization(ns, 'app');
  const waiting = await h.ready(ns, 'app', 'False');
  const missing = findCondition(waiting.status?.conditions, READY);
  assert.equal(missing?.reason, 'ArtifactFailed');
  assert.equal(missing?.message, 'GitRepository.source.toolkit.fluxcd.io "git" not found');
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a')) }, { announce: false });
  await h.ready(ns, 'app', 'True');
});

test("the reconcile continues the artifact's trace", async () => {
  const ns = await h.namespace();
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a')) });
  await h.kustomization(ns, 'app');
  await h.ready(ns, 'app', 'True');
  const trace = '0af7651916cd43dd8448eb211c80319c';
  const traceparent = `00-${trace}-b7ad6b7169203331-01`;
  await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a', { v: '2' })) }, { traceparent });
  const { traceparent: carried } = await eventLike(h, ns, /\/a configured$/);
  assert.equal(carried?.split('-')[1], trace);
});

test('an artifact that changes nothing for it costs one write of its status', async () => {
  const ns = await h.namespace();
  const own = { 'app/a.yaml': manifests(configMap(ns, 'a', { v: '1' })) };
  await h.publish(ns, { ...own, 'other/b.yaml': 'first' });
  await h.kustomization(ns, 'app', { path: './app', wait: true });
  await h.ready(ns, 'app', 'True');
  const asked = async () => {
    const all = (await h.cluster.audit()).map(({ verb, objectRef }) => ({ verb, ...objectRef }));
    return all
      .filter(({ namespace }) => namespace === ns)
      .map(({ verb, resource, subresource = '' }) => `${verb} ${resource}/${subresource}`)
      .filter((what) => / (configmaps|kustomizations|events)/.test(what))
      .filter((what) => what !== 'get kustomizations/');
  };

  // The first run ends with its Kubernetes Event, which is written after the status.
  await until(async () => (await asked()).includes('create events/'), {
    timeoutMs,
    message: 'the Event of the first run',
  });
  const before = (await asked()).length;
  const passed = await h.publish(ns, { ...own, 'other/b.yaml': 'second' });
  const { status } = await h.ready(ns, 'app', 'True', new RegExp(passed));
  assert.equal(status?.lastAppliedRevision, passed);
  assert.equal(status?.lastAttemptedRevision, passed);
  assert.deepEqual(status?.history?.[0]?.metadata, { revision: passed });
  await until(
    () => eventsOf(h, ns).find(({ event }) => Object.values(event.metadata ?? {}).includes(passed)),
    { timeoutMs, message: 'the event of the new revision' },
  );
  assert.deepEqual((await asked()).slice(before), ['patch kustomizations/status']);

  const body = { data: { v: 'by hand' } };
  await h.cluster.request('PATCH', `/api/v1/namespaces/${ns}/configmaps/a`, body, MERGE);
  const isBack = async () => isDeepStrictEqual((await h.configMap(ns, 'a'))?.data, { v: '1' });
  await until(isBack, {
    timeoutMs,
    message: 'the drift to be put right',
  });

  const more = { 'app/new.yaml': manifests(configMap(ns, 'new')) };
  const grown = await h.publish(ns, { ...own, ...more, 'other/b.yaml': 'second' });
  const applied = await h.ready(ns, 'app', 'True', new RegExp(grown));
  assert.deepEqual(inventoryIds(applied), [`${ns}_a__ConfigMap`, `${ns}_new__ConfigMap`]);
});

test('a forged message brings nothing into the cluster, and the next commit arrives', async () => {
  const ns = await h.namespace();
  const ours = { 'a.yaml': manifests(configMap(ns, 'a', { v: 'ours' })) };
  const revision = await h.publish(ns, ours);
  await h.kustomization(ns, 'app');
  await h.ready(ns, 'app', 'True');
  const ref = { namespace: ns, name: 'git' };
  const { metadata, status } = await h.client.get<GitRepository>(GitRepository, ref);
  const artifact = status?.artifact;
  assert.ok(artifact);

  const content = Buffer.from(manifests(configMap(ns, 'a', { v: 'theirs' })));
  const packed = await packInMemory([{ path: 'a.yaml', mode: 0o644, content }]);
  await putArtifact(h.store, packed);
  const forged = { ...artifact, digest: packed.digest, revision: 'main@sha1:forged' };
  const message = { ...ref, kind: 'GitRepository', uid: metadata.uid ?? '' };
  for (const resourceVersion of ['99999999999999999999', '1']) {
    publishArtifact(h.bus, { ...message, resourceVersion, artifact: forged });
  }
  const malformed: unknown[] = [
    null,
    7,
    {},
    { ...message, artifact: null },
    { ...message, name: {} },
  ];
  for (const [index, data] of malformed.entries()) {
    h.bus.publish({
      stream: 'weir-artifacts',
      namespace: ns,
      subject: artifactSubject(h.bus.cluster, {
        ...{ group: 'source.toolkit.fluxcd.io', kind: 'GitRepository' },
        ...{ namespace: ns, name: `malformed-${index}` },
      }),
      id: `malformed-${ns}-${index}`,
      type: 'weir.artifact.published',
      source: '/clusters/test/GitRepository.source.toolkit.fluxcd.io',
      data,
      traceparent: undefined,
    });
  }
  await h.kustomization(ns, 'app', { interval: '2h' });
  await until(
    async () => {
      const { metadata, status } = await h.read(ns, 'app');
      return status?.observedGeneration === metadata.generation;
    },
    { timeoutMs, message: 'a run after the forged messages' },
  );
  const after = await h.ready(ns, 'app', 'True');
  assert.equal(after.status?.lastAttemptedRevision, revision);
  assert.deepEqual((await h.configMap(ns, 'a'))?.data, { v: 'ours' });

  const next = await h.publish(ns, { 'a.yaml': manifests(configMap(ns, 'a', { v: 'next' })) });
  await h.ready(ns, 'app', 'True', new RegExp(next));
  assert.deepEqual((await h.configMap(ns, 'a'))?.data, { v: 'next' });
  const revisions = eventsOf(h, ns).map(({ event }) => JSON.stringify(event));
  assert.ok(!revisions.some((event) => event.includes('forged')), 'it was never taken up');
});
