// Events that come while the watch holds them back must not be lost. The watch shows what the test sends, so that each
// event comes at the worst moment.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { ConfigMap, type KubeClient, type KubeObject, type ListWatchEvent } from '@weir/kube';
import { createDriftWatch, type Drift } from './drift.ts';

const OWNER = 'apps/web';
const GROUP = 'helm.toolkit.fluxcd.io';
const ID = { group: '', kind: 'ConfigMap', namespace: 'apps', name: 'cfg' };

function configMap(resourceVersion: string, uid = 'u1'): KubeObject {
  const labels = { [`${GROUP}/name`]: 'web', [`${GROUP}/namespace`]: 'apps' };
  const metadata = { namespace: 'apps', name: 'cfg', uid, resourceVersion, labels };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata };
}

/** A drift watch with the events that its only kind has; `seen` are the drifts that it published. */
function watched(t: TestContext) {
  const events: ListWatchEvent<KubeObject>[] = [{ type: 'synced', resourceVersion: '1' }];
  const client = {
    async *listWatch(_type: unknown, { signal }: { signal: AbortSignal }) {
      for (;;) {
        const event = events.shift();
        if (event !== undefined) yield event;
        else await turn();
        if (signal.aborted) return;
      }
    },
  } as unknown as KubeClient;
  const drift = createDriftWatch(client, {
    owner: { group: GROUP, fieldManager: 'helm-controller' },
    rules: [],
    onError: (_, error) => assert.fail(error),
  });
  t.after(() => drift.close());
  const seen: Drift[] = [];
  drift.onDrift((found) => seen.push(found));
  const send = async (event: ListWatchEvent<KubeObject>) => {
    events.push(event);
    while (events.length > 0) await turn();
    await turn();
  };
  return { drift, seen, send };
}

const tracked = (object: KubeObject) => [{ type: ConfigMap, object, manifest: 'm' }];

test('an object that is deleted after it was read, and before it is tracked, is not intact', async (t) => {
  const { drift, seen, send } = watched(t);
  drift.track(OWNER, tracked(configMap('5')));
  await send({ type: 'added', object: configMap('5') });
  assert.equal(drift.allIntact(OWNER), true);
  drift.hold(OWNER);
  const read = configMap('5');
  await send({ type: 'deleted', object: configMap('7') });
  assert.deepEqual(seen, []);
  drift.track(OWNER, tracked(read));
  assert.deepEqual(
    seen.map(({ what }) => what),
    ['gone'],
  );
  assert.equal(drift.allIntact(OWNER), false);
  assert.equal(drift.intact(ID, 'm'), undefined);
});

test('the deletion of an object says nothing of its successor', async (t) => {
  const { drift, seen, send } = watched(t);
  drift.track(OWNER, tracked(configMap('5')));
  await send({ type: 'added', object: configMap('5') });
  drift.hold(OWNER);
  await send({ type: 'deleted', object: configMap('7') });
  drift.track(OWNER, tracked(configMap('9', 'u2')));
  assert.deepEqual(seen, []);
  assert.equal(drift.allIntact(OWNER), true);
  assert.equal(drift.intact(ID, 'm'), 'u2');
});
