// Hooks against a control plane: their order, their results, and what is stored of them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ConfigMap, type KubeObject } from '@weir/kube';
import { chart, type Harness, startHarness } from './testing/actions.ts';

let h: Harness;

before(async () => {
  h = await startHarness();
});
after(() => h?.close());

interface HookOptions {
  on: string;
  weight?: number;
  policy?: string;
  image?: string;
}

function job(name: string, { on, weight = 0, policy, image = 'example.org/ok:1' }: HookOptions) {
  const deleted = policy === undefined ? '' : `\n    helm.sh/hook-delete-policy: ${policy}`;
  return `apiVersion: batch/v1
kind: Job
metadata:
  name: ${name}
  annotations:
    helm.sh/hook: ${on}
    helm.sh/hook-weight: "${weight}"${deleted}
spec:
  backoffLimit: 0
  template: {spec: {restartPolicy: Never, containers: [{name: c, image: '${image}'}]}}
`;
}

async function names(kind: string, namespace: string): Promise<string[]> {
  const type = await h.client.discovery.resourceFor({ group: 'batch', version: 'v1', kind });
  const { items } = await h.client.list(type, { namespace });
  return items.map(({ metadata }) => metadata.name).sort();
}

/** The hooks of a version as they are stored: name, phase and delete policies. */
async function stored(namespace: string, version: number): Promise<string[]> {
  const { storage } = await h.context({ namespace });
  const revision = await storage.load(version);
  return (revision?.content.hooks ?? []).map(
    ({ name, lastRun, deletePolicies }) => `${name} ${lastRun.phase} ${deletePolicies}`,
  );
}

test('hooks run by weight, are deleted by their policies, and Helm default is stored', async () => {
  const namespace = await h.namespace();
  const files = chart('1.0.0', {
    'templates/c.yaml': job('c', { on: 'pre-install', weight: 2, policy: 'hook-succeeded' }),
    'templates/a.yaml': job('a', { on: 'pre-install', weight: 1 }),
    'templates/b.yaml': job('b', { on: 'post-install', policy: 'before-hook-creation' }),
    'templates/d.yaml': job('d', { on: 'pre-upgrade' }),
  });
  const { failure } = await h.actions.install(await h.context({ namespace, files }));
  assert.equal(failure, undefined);
  assert.deepEqual(await names('Job', namespace), ['a', 'b']);
  assert.deepEqual((await stored(namespace, 1)).sort(), [
    'a Succeeded before-hook-creation',
    'b Succeeded before-hook-creation',
    'c Succeeded hook-succeeded',
    'd  ',
  ]);
});

test('a hook that fails ends the install before anything else, and stays unless its policy says otherwise', async () => {
  const namespace = await h.namespace();
  const image = 'example.org/fail:1';
  const files = chart('1.0.0', {
    'templates/a.yaml': job('a', { on: 'pre-install', policy: 'hook-succeeded' }),
    'templates/b.yaml': job('b', { on: 'pre-install', weight: 1, policy: 'hook-failed', image }),
  });
  const { failure, releases } = await h.actions.install(await h.context({ namespace, files }));
  const why = `failed early due to stalled resources: [Job/${namespace}/b status: 'Failed']`;
  assert.equal(failure?.message, `failed pre-install: ${why}`);
  assert.equal(releases[0]?.info.description, `Release "web" failed: failed pre-install: ${why}`);
  assert.deepEqual(await names('Job', namespace), []);
  assert.deepEqual(await stored(namespace, 1), [
    'a Succeeded hook-succeeded',
    'b Failed hook-failed',
  ]);
  const { items } = await h.client.list(ConfigMap, { namespace });
  assert.deepEqual(
    items.filter(({ metadata }) => metadata.name === 'web-cfg'),
    [],
  );
});

test('tests run by filter, and their results are stored', async () => {
  const namespace = await h.namespace();
  const image = 'example.org/fail:1';
  const files = chart('1.0.0', {
    'templates/a.yaml': job('good', { on: 'test' }),
    'templates/b.yaml': job('bad', { on: 'test', image }),
  });
  await h.actions.install(await h.context({ namespace, files }));
  const filters = [{ name: 'bad', exclude: true }];
  const spec = { test: { enable: true, filters } };
  const passed = await h.actions.test(await h.context({ namespace, files, spec }));
  assert.equal(passed.failure, undefined);
  const [release] = passed.releases;
  assert.equal(release?.tests.good?.phase, 'Succeeded');
  assert.deepEqual(release?.tests.bad, {});

  const failed = await h.actions.test(await h.context({ namespace, files }));
  const why = `failed early due to stalled resources: [Job/${namespace}/bad status: 'Failed']`;
  assert.equal(failed.failure?.message, why);
  assert.equal(failed.releases[0]?.tests.bad?.phase, 'Failed');
  assert.equal(failed.releases[0]?.info.status, 'deployed');
});

test('a hook of an uninstall that fails leaves the release as it is being uninstalled', async () => {
  const namespace = await h.namespace();
  const image = 'example.org/fail:1';
  const files = chart('1.0.0', { 'templates/a.yaml': job('stop', { on: 'pre-delete', image }) });
  await h.actions.install(await h.context({ namespace, files }));
  const { failure, releases } = await h.actions.uninstall(await h.context({ namespace, files }));
  const why = `failed early due to stalled resources: [Job/${namespace}/stop status: 'Failed']`;
  assert.equal(failure?.message, why);
  assert.equal(releases[0]?.info.status, 'uninstalling');
  const { metadata } = await h.get('v1', 'ConfigMap', namespace, 'web-cfg');
  assert.equal(metadata.deletionTimestamp, undefined);
});

test('a wait for a hook ends when the spec or the chart has changed', async () => {
  const namespace = await h.namespace();
  const files = chart('1.0.0', {
    'templates/a.yaml': job('slow', { on: 'pre-install', image: 'example.org/slow:1' }),
  });
  const change = new AbortController();
  const context = await h.context({ namespace, files, superseded: change.signal });
  const installing = h.actions.install({
    ...context,
    waiting(wait) {
      change.abort();
      return wait();
    },
  });
  const { failure, releases } = await installing;
  assert.equal(failure?.interrupted, true);
  assert.equal(releases[0]?.info.status, 'failed');
  const slow: KubeObject = await h.get('batch/v1', 'Job', namespace, 'slow');
  assert.equal(slow.metadata.deletionTimestamp, undefined);
});
