// What a case says about objects: those whose reconcile a webhook requested, and those that were read.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { RECONCILE_REQUEST } from '@weir/api';
import { until } from '@weir/cluster';
import type { KubeObject } from '@weir/kube';
import type { Case, Json, Result } from './case.ts';
import { NAMESPACE, type Stage, WAIT } from './stage.ts';

/** Annotations as they were seen last, by object. */
const seen = new WeakMap<Stage, Map<string, string>>();

/** Compares what is left of a result, and remembers the paths of Receivers for the next case. */
export async function played(
  stage: Stage,
  { read = [], readWhen }: Case,
  expected: Result,
  paths: Map<string, string[]>,
): Promise<void> {
  if (expected.annotated !== undefined) {
    assert.deepEqual(await annotated(stage), [...expected.annotated].sort());
  }
  for (const what of read.filter((each) => each in expected)) {
    const wanted = expected[what];
    const [kind = '', name = ''] = what.split('/');
    await until(
      async () => {
        const found = await stage.find(kind, name);
        assert.deepEqual(await shown(stage, found), wanted, readWhen);
        return true;
      },
      { ...WAIT, timeoutMs: 20_000, message: `${what} to be as in the case` },
    );
  }
  for (const receiver of await receivers(stage)) {
    const { webhookPath } = (receiver.status ?? {}) as { webhookPath?: string };
    const { name } = receiver.metadata;
    const had = paths.get(name) ?? [];
    if (webhookPath !== undefined && had.at(-1) !== webhookPath)
      paths.set(name, [...had, webhookPath]);
  }
}

async function receivers(stage: Stage): Promise<KubeObject[]> {
  const { client } = stage.platform;
  const type = await client.discovery.resourceForKind(
    'notification.toolkit.fluxcd.io/v1',
    'Receiver',
  );
  return (await client.list(type)).items;
}

/** The objects whose request changed since this was asked last. */
async function annotated(stage: Stage): Promise<string[]> {
  const before = seen.get(stage) ?? new Map<string, string>();
  const now = new Map<string, string>();
  const { client } = stage.platform;
  for (const [apiVersion, kind] of [
    ['source.toolkit.fluxcd.io/v1', 'GitRepository'],
    ['source.toolkit.fluxcd.io/v1', 'OCIRepository'],
    ['kustomize.toolkit.fluxcd.io/v1', 'Kustomization'],
  ] as const) {
    const { items } = await client.list(await client.discovery.resourceForKind(apiVersion, kind));
    for (const { metadata } of items) {
      const { namespace, name, uid } = metadata;
      const place = namespace === NAMESPACE ? '' : `${namespace}/`;
      const request = metadata.annotations?.[RECONCILE_REQUEST];
      if (request !== undefined) now.set(`${place}${kind}/${name}`, `${uid} ${request}`);
    }
  }
  seen.set(stage, now);
  return [...now]
    .filter(([key, value]) => before.get(key) !== value)
    .map(([key]) => key)
    .sort();
}

/** An object as the cases show it. */
async function shown(stage: Stage, object: KubeObject | undefined): Promise<unknown> {
  if (object === undefined) return { gone: true };
  const { finalizers, generation, name, namespace } = object.metadata;
  const status = (object.status ?? {}) as Json & {
    conditions?: Json[];
    webhookPath?: string;
    observedGeneration?: number;
    lastHandledReconcileAt?: string;
  };
  const { webhookPath: path = '', observedGeneration, lastHandledReconcileAt } = status;
  const secret = await stage.find('Secret', 'tok');
  const data = (secret?.data ?? {}) as Record<string, string>;
  const token = Buffer.from(data.token ?? '', 'base64').toString();
  const digest = createHash('sha256').update(`${token}${name}${namespace}`).digest('hex');
  const isCurrent = path === `/hook/${digest}`;
  const conditions = (status.conditions ?? []).map((condition) => ({
    type: condition.type,
    status: condition.status,
    reason: condition.reason,
    message: withoutPath(String(condition.message), path, isCurrent),
    current: condition.observedGeneration === generation,
  }));
  const computed = isCurrent ? '/hook/<sha256 hex of token+name+namespace>' : '<another>';
  const isObserved = observedGeneration === generation;
  return {
    conditions: conditions.sort((a, b) => (String(a.type) < String(b.type) ? -1 : 1)),
    ...(path === '' ? {} : { webhookPath: computed }),
    ...(observedGeneration === undefined
      ? {}
      : { observedGeneration: isObserved ? 'current' : observedGeneration }),
    ...(lastHandledReconcileAt === undefined ? {} : { lastHandledReconcileAt }),
    ...(finalizers === undefined ? {} : { finalizers }),
  };
}

function withoutPath(message: string, path: string, isCurrent: boolean): string {
  if (path === '') return message;
  return message.replace(path, isCurrent ? '<webhookPath>' : '<another webhookPath>');
}
