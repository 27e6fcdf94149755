import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hookStatus, isAwaitedHook, withoutWaitingForJobs } from './statuses.ts';

const never = async (objects: object[]) => objects.map(() => ({ status: 'InProgress' }));
const object = (apiVersion: string, kind: string, status?: object) => ({
  apiVersion,
  kind,
  metadata: { name: 'a' },
  ...(status === undefined ? {} : { status }),
});
const condition = (type: string) => ({ conditions: [{ type, status: 'True' }] });

test('a Job that need not be done is ready when it has begun', async () => {
  const status = withoutWaitingForJobs(never);
  const found = await status([
    object('batch/v1', 'Job'),
    object('batch/v1', 'Job', { startTime: 'now' }),
    object('batch/v1', 'Job', condition('Complete')),
    object('batch/v1', 'Job', condition('Failed')),
    object('apps/v1', 'Deployment'),
  ]);
  assert.deepEqual(
    found.map(({ status }) => status),
    ['InProgress', 'Current', 'Current', 'Failed', 'InProgress'],
  );
});

test('of hooks only Jobs, Pods and kinds with expressions are waited for', async () => {
  const expressed = new Set(['example.com/Thing']);
  const hooks = [
    object('batch/v1', 'Job'),
    object('v1', 'Pod', { phase: 'Running' }),
    object('v1', 'Pod', { phase: 'Succeeded' }),
    object('v1', 'Pod', { phase: 'Failed' }),
    object('example.com/v1', 'Thing'),
    object('v1', 'ConfigMap'),
  ];
  const found = await hookStatus(never, expressed)(hooks);
  assert.deepEqual(
    found.map(({ status }) => status),
    ['InProgress', 'InProgress', 'Current', 'Failed', 'InProgress', 'Current'],
  );
  assert.deepEqual(
    hooks.map((hook) => isAwaitedHook(hook, expressed)),
    [true, true, true, true, true, false],
  );
});
