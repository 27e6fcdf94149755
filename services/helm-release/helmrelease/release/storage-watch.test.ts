import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '@weir/cluster';
import type { KubeClient, KubeObject, ListWatchEvent } from '@weir/kube';
import { createLogger } from '@weir/telemetry';
import { createKnownStorage } from './known-storage.ts';
import { watchStorage } from './storage-watch.ts';

const log = createLogger({ service: 'test', level: 'fatal' });

/** A client whose watch shows what the test sends. */
function watched() {
  const queue: ListWatchEvent<KubeObject>[] = [];
  let wake = Promise.withResolvers<void>();
  const client = {
    async *listWatch(_type: unknown, { signal }: { signal: AbortSignal }) {
      signal.addEventListener('abort', () => wake.resolve());
      while (!signal.aborted) {
        const event = queue.shift();
        if (event !== undefined) yield event;
        else await wake.promise;
        wake = Promise.withResolvers();
        if (signal.aborted || queue.length > 0) wake.resolve();
      }
    },
  } as unknown as KubeClient;
  const send = (...events: ListWatchEvent<KubeObject>[]) => {
    queue.push(...events);
    wake.resolve();
  };
  return { client, send };
}

function secret(
  version: number,
  resourceVersion: string,
  status = 'deployed',
  uid = 'u',
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      namespace: 'apps',
      name: `sh.helm.release.v1.web.v${version}`,
      uid: `${uid}${version}`,
      resourceVersion,
      labels: { owner: 'helm', name: 'web', version: String(version), status },
    },
  };
}

const synced: ListWatchEvent<KubeObject> = { type: 'synced', resourceVersion: '1' };
const wait = { timeoutMs: 60_000, message: 'the watch' };

test('versions are known from the first complete list on, the newest state of each', async () => {
  const { client, send } = watched();
  const watch = watchStorage(client, log);
  const texts = () =>
    watch.versions('apps', 'web')?.map(({ version, status }) => `${version} ${status}`);
  send({ type: 'added', object: secret(1, '5') });
  assert.equal(texts(), undefined);
  send(synced);
  await until(() => texts() !== undefined, wait);
  assert.deepEqual(texts(), ['1 deployed']);
  watch.observe(secret(1, '9', 'superseded'));
  watch.observe(secret(2, '10'));
  send({ type: 'modified', object: secret(1, '7', 'failed') });
  send({ type: 'added', object: secret(3, '12', 'pending-upgrade') });
  await until(() => watch.versions('apps', 'web')?.length === 3, wait);
  assert.deepEqual(texts(), ['3 pending-upgrade', '2 deployed', '1 superseded']);
  assert.deepEqual(watch.versions('apps', 'other'), []);
  await watch.close();
});

test('what was deleted does not come back with a late event, but with another Secret', async () => {
  const { client, send } = watched();
  const watch = watchStorage(client, log);
  send({ type: 'added', object: secret(1, '5') }, synced);
  await until(() => watch.versions('apps', 'web')?.length === 1, wait);
  watch.forget({ namespace: 'apps', name: 'web' }, 1);
  assert.deepEqual(watch.versions('apps', 'web'), []);
  watch.observe(secret(1, '6'));
  assert.deepEqual(watch.versions('apps', 'web'), []);
  watch.observe(secret(1, '8', 'deployed', 'other'));
  assert.equal(watch.versions('apps', 'web')?.length, 1);
  await watch.close();
});

test('a list that is newer than the watch counts, for what is there and for what is not', async () => {
  const { client, send } = watched();
  const watch = watchStorage(client, log);
  send(
    { type: 'added', object: secret(1, '5') },
    { type: 'added', object: secret(2, '9') },
    synced,
  );
  await until(() => watch.versions('apps', 'web')?.length === 2, wait);
  const items = [secret(1, '7', 'superseded')];
  watch.listed({ namespace: 'apps', name: 'web' }, { items, resourceVersion: '8' });
  const texts = () =>
    watch.versions('apps', 'web')?.map(({ version, status }) => `${version} ${status}`);
  assert.deepEqual(
    texts(),
    ['2 deployed', '1 superseded'],
    'the second one is newer than the list',
  );
  watch.listed({ namespace: 'apps', name: 'web' }, { items, resourceVersion: '10' });
  assert.deepEqual(texts(), ['1 superseded']);
  await watch.close();
});

test('nobody learns of a storage that was not allowed to list it', async () => {
  const { client, send } = watched();
  const known = createKnownStorage({ client, log });
  const place = (reader: string | undefined) => ({ namespace: 'apps', name: 'web', reader });
  known.listed(place('apps/web admin'), { items: [], resourceVersion: '1' });
  send({ type: 'added', object: secret(1, '5') }, synced);
  await until(() => known.versions(place('apps/web admin')) !== undefined, wait);
  assert.equal(known.versions(place('other/web tenant')), undefined);
  assert.equal(
    known.versions(place(undefined))?.length,
    1,
    'the service has the rights of the watch',
  );
  const release = { name: 'web', version: 1 } as Parameters<typeof known.put>[1];
  known.put(place('apps/web admin'), release, { resourceVersion: '5', ociDigest: undefined });
  assert.equal(known.summary(place('apps/web admin'), 1)?.version, 1);
  assert.equal(known.summary(place('other/web tenant'), 1), undefined);
  known.observe(secret(1, '6'));
  assert.equal(known.summary(place('apps/web admin'), 1), undefined, 'it was written since');
  known.refused(place('apps/web admin'));
  assert.equal(known.versions(place('apps/web admin')), undefined);
  await known.close();
});
