import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ConfigMap, type KubeClient, type KubeObject } from '@weir/kube';
import { waitForHealth } from './health.ts';
import type { StatusFunction, WatchedObjects } from './health-types.ts';
import { targetOf } from './objects.ts';

function version(resourceVersion: string): KubeObject {
  const metadata = { namespace: 'apps', name: 'web', resourceVersion };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata };
}

/** Healthy from the second version on. */
const status: StatusFunction = async (objects) =>
  objects.map(({ metadata }) => ({
    status: metadata.resourceVersion === '1' ? 'InProgress' : 'Current',
  }));

it('ends with what is true when the time is over, also where a slow server is asked less often', async () => {
  let newest = '1';
  let tell: () => void = () => undefined;
  const drift: WatchedObjects = {
    watches: () => true,
    newest: () => BigInt(newest),
    onObjectChange: (_id, callback) => {
      tell = callback;
      return () => undefined;
    },
  };
  const client = {
    latencyMs: () => 60_000,
    discovery: { resourceFor: async () => ConfigMap },
    get: async () => version(newest),
  } as unknown as KubeClient;
  const object = version('1');
  const signal = new AbortController().signal;
  const options = { status, timeoutMs: 100, failFast: true, signal };
  const waiting = waitForHealth({ client, drift }, [{ target: targetOf(object), object }], options);
  setImmediate(() => {
    newest = '2';
    tell();
  });
  assert.deepEqual((await waiting).healthy, true);
});
