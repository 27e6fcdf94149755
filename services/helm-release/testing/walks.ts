// What a process is killed in, and how it has to look when later ones have gone on: each walk dies at one write.
import assert from 'node:assert/strict';
import {
  FINALIZER,
  type HelmRelease,
  HelmRelease as HelmReleaseKind,
  type HelmReleaseSpec,
} from '@weir/api';
import { doomedClient, type Files } from '@weir/kit';
import { ConfigMap, type KubeClient, type KubeObject, Secret } from '@weir/kube';
import { configMap } from './charts.ts';
import type { Harness } from './harness.ts';
import type { Processes } from './process.ts';

export interface Step {
  /** The write at which the process dies, from 1. */
  at: number;
  when: 'before' | 'after';
}

/** Dies at the step, goes on, and asserts what is left. Answers whether there was such a write. */
export type Walk = (step: Step) => Promise<boolean>;

/** What is walked through. */
export const WALKS = [
  'install',
  'install, then deleted',
  'upgrade',
  'upgrade of a release with many hooks',
  'failed upgrade and its rollback',
  'test',
  'uninstall',
] as const;

/** Runs that come after a crash, at most: unlock, an action, its remediation, and one to settle. */
const MAX_RUNS = 6;

const HOOKS = {
  'templates/before.yaml': configMap('before', 'x', {
    'helm.sh/hook': 'pre-install,pre-upgrade,pre-rollback,pre-delete',
    'helm.sh/hook-delete-policy': 'hook-succeeded,before-hook-creation',
  }),
  'templates/after.yaml': configMap('after', 'x', {
    'helm.sh/hook': 'post-install,post-upgrade,post-rollback',
    'helm.sh/hook-delete-policy': 'hook-succeeded,before-hook-creation',
  }),
  'templates/test.yaml': configMap('test', 'x', {
    'helm.sh/hook': 'test',
    'helm.sh/hook-delete-policy': 'hook-succeeded,before-hook-creation',
  }),
};
/** From 16 hooks on the engine keeps a release in parts between the updates of single hooks (`helmhooks.go`). These never run. */
const MANY_HOOKS = Object.fromEntries(
  Array.from({ length: 16 }, (_, index) => [
    `templates/idle-${index}.yaml`,
    configMap(`idle-${index}`, 'x', { 'helm.sh/hook': 'test' }),
  ]),
);
/** What no API server takes. */
const INVALID = configMap('invalid', 'x', { 'not a key!': 'x' });

const V1 = { ...HOOKS, 'templates/old.yaml': configMap('old', 'x') };
const V2 = { ...HOOKS, 'templates/new.yaml': configMap('new', 'x') };

export function walks(h: Harness, processes: Processes): Record<(typeof WALKS)[number], Walk> {
  /** Runs processes until the release is Ready, stalled or gone. */
  async function goOn(namespace: string, version: string): Promise<HelmRelease | undefined> {
    for (let runs = 0; runs < MAX_RUNS; runs++) {
      const object = await processes.settled(namespace, version);
      if (object === undefined) return undefined;
      if (runs > 0 && isSettled(object)) return object;
      await processes.run(h.client, object);
    }
    const last = await processes.settled(namespace, version);
    assert.ok(
      last === undefined || isSettled(last),
      `not settled: ${JSON.stringify(last?.status)}`,
    );
    return last;
  }

  /** One run that dies. */
  async function dies(namespace: string, version: string, { at, when }: Step): Promise<boolean> {
    const doomed = doomedClient(h.client, at, when);
    const object = await processes.settled(namespace, version);
    if (object !== undefined) await processes.run(doomed.client, object);
    return doomed.died();
  }

  /** The end of a HelmRelease leaves nothing, whatever state it was in. */
  async function deleted(namespace: string, version: string): Promise<void> {
    await h.client.delete(HelmReleaseKind, { namespace, name: 'web' });
    assert.equal(await goOn(namespace, version), undefined, 'the HelmRelease is gone');
    assert.deepEqual(await configMaps(h.client, namespace), []);
    assert.deepEqual(await versions(h.client, namespace), []);
  }

  async function begin(spec: Partial<HelmReleaseSpec> = {}, files: Files = V1): Promise<string> {
    const namespace = await h.namespace();
    await h.chart(namespace, { version: '1.0.0', files });
    await h.release(namespace, 'web', spec);
    return namespace;
  }

  async function upgraded(step: Step, more: Files = {}): Promise<boolean> {
    const namespace = await begin({}, { ...V1, ...more });
    await goOn(namespace, '1.0.0');
    await h.chart(namespace, { version: '2.0.0', files: { ...V2, ...more } });
    const died = await dies(namespace, '2.0.0', step);
    await agrees(namespace, '2.0.0', ['web-cfg', 'web-new']);
    await deleted(namespace, '2.0.0');
    return died;
  }

  /** Storage, objects and status say the same, and what the chart has is there. */
  async function agrees(namespace: string, version: string, names: string[]): Promise<void> {
    const object = await goOn(namespace, version);
    assert.equal(readyOf(object), 'True', JSON.stringify(object?.status?.conditions));
    assert.deepEqual(await configMaps(h.client, namespace), names);
    const stored = await versions(h.client, namespace);
    assert.deepEqual(
      stored.filter((one) => !/ (deployed|superseded|failed)$/.test(one)),
      [],
    );
    assert.equal(stored.filter((one) => one.endsWith(' deployed')).length, 1, String(stored));
    const [latest] = object?.status?.history ?? [];
    assert.equal(`${latest?.version} ${latest?.status}`, stored.at(-1), 'history and storage');
    assert.deepEqual(
      object?.status?.inventory?.entries.map(({ id }) => id.split('_')[1]).sort(),
      names,
    );
  }

  return {
    async install(step) {
      const namespace = await begin();
      const died = await dies(namespace, '1.0.0', step);
      await agrees(namespace, '1.0.0', ['web-cfg', 'web-old']);
      await deleted(namespace, '1.0.0');
      return died;
    },
    async 'install, then deleted'(step) {
      const namespace = await begin();
      const died = await dies(namespace, '1.0.0', step);
      const { metadata } = await h.read(namespace, 'web');
      if (metadata.finalizers?.includes(FINALIZER)) await deleted(namespace, '1.0.0');
      return died;
    },
    upgrade: (step) => upgraded(step),
    'upgrade of a release with many hooks': (step) => upgraded(step, MANY_HOOKS),
    async 'failed upgrade and its rollback'(step) {
      const remediation = { retries: 0, remediateLastFailure: true };
      const namespace = await begin({ upgrade: { remediation } });
      await goOn(namespace, '1.0.0');
      const files = { ...V2, 'templates/invalid.yaml': INVALID };
      await h.chart(namespace, { version: '2.0.0', files });
      const died = await dies(namespace, '2.0.0', step);
      await goOn(namespace, '2.0.0');
      const stored = await versions(h.client, namespace);
      assert.deepEqual(
        stored.filter((one) => / pending-/.test(one)),
        [],
      );
      await h.chart(namespace, { version: '3.0.0', files: V2 });
      await agrees(namespace, '3.0.0', ['web-cfg', 'web-new']);
      await deleted(namespace, '3.0.0');
      return died;
    },
    async test(step) {
      const namespace = await begin({ test: { enable: true } });
      const died = await dies(namespace, '1.0.0', step);
      await agrees(namespace, '1.0.0', ['web-cfg', 'web-old']);
      const { status } = await h.read(namespace, 'web');
      assert.equal(status?.history?.[0]?.testHooks?.['web-test']?.phase, 'Succeeded');
      await deleted(namespace, '1.0.0');
      return died;
    },
    async uninstall(step) {
      const namespace = await begin();
      await goOn(namespace, '1.0.0');
      await h.client.delete(HelmReleaseKind, { namespace, name: 'web' });
      const died = await dies(namespace, '1.0.0', step);
      assert.equal(await goOn(namespace, '1.0.0'), undefined, 'the HelmRelease is gone');
      assert.deepEqual(await configMaps(h.client, namespace), []);
      assert.deepEqual(await versions(h.client, namespace), []);
      return died;
    },
  };
}

function readyOf(object: HelmRelease | undefined): string | undefined {
  return object?.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
}

/** Nothing more comes of another run. */
function isSettled({ metadata, status }: HelmRelease): boolean {
  const isTrue = (wanted: string) =>
    status?.conditions?.some(({ type, status }) => type === wanted && status === 'True') ?? false;
  if (metadata.deletionTimestamp !== undefined) return false;
  if (status?.observedGeneration !== metadata.generation || isTrue('Reconciling')) return false;
  return isTrue('Ready') || isTrue('Stalled') || isTrue('Remediated');
}

async function configMaps(client: KubeClient, namespace: string): Promise<string[]> {
  const { items } = await client.list<KubeObject>(ConfigMap, { namespace });
  return items
    .map(({ metadata }) => metadata.name)
    .filter((name) => name !== 'kube-root-ca.crt')
    .sort();
}

/** `<version> <status>` of what is stored, the lowest version first. */
async function versions(client: KubeClient, namespace: string): Promise<string[]> {
  const { items } = await client.list(Secret, { namespace, labelSelector: 'owner=helm' });
  return items
    .map(({ metadata: { labels = {} } }) => `${labels.version} ${labels.status}`)
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
}
