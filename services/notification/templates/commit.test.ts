import assert from 'node:assert/strict';
import { it } from 'node:test';
import { publishArtifact } from '@weir/artifact';
import { startNats, testBus } from '@weir/bus/testing';
import { createReadCommit } from './commit.ts';

it('names the commit of a revision, and no other, of a source that may be used', async (t) => {
  const nats = await startNats();
  t.after(() => nats.close());
  const bus = await testBus(t, nats.url);
  await bus.ready;
  const source = { kind: 'GitRepository', namespace: 'apps', name: 'shop' };
  publishArtifact(bus, {
    ...source,
    ...{ uid: 'u1', resourceVersion: '7' },
    artifact: { revision: 'main@sha1:c0ffee', digest: `sha256:${'0'.repeat(64)}` },
    commit: { subject: 'Fix it', author: 'A'.repeat(10_000) },
  });
  assert.equal(await bus.flush(10_000), true);
  const facts = { labels: {}, annotations: {}, source };
  const read = createReadCommit(bus, false);
  const commit = { subject: 'Fix it', author: 'A'.repeat(256) };
  assert.deepEqual(await read(facts, 'apps', 'main@sha1:c0ffee'), commit);
  assert.deepEqual(await read(facts, 'other', 'main@sha1:c0ffee'), commit);
  assert.equal(await read(facts, 'apps', 'main@sha1:0ddba11'), undefined);
  assert.equal(await read({ labels: {}, annotations: {} }, 'apps', 'main@sha1:c0ffee'), undefined);
  const strict = createReadCommit(bus, true);
  assert.equal(await strict(facts, 'other', 'main@sha1:c0ffee'), undefined);
  assert.deepEqual(await strict(facts, 'apps', 'main@sha1:c0ffee'), commit);
});
