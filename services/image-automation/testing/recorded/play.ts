// Plays a recorded case against the service, and compares the result with what Flux left.
import { deepEqual, fail, match, ok, rejects } from 'node:assert/strict';
import { type Condition, type ImagePolicy, kinds, RECONCILE_REQUEST } from '@weir/api';
import { until } from '@weir/cluster';
import { Event, type KubeObject, Namespace, Secret, ServiceAccount } from '@weir/kube';
import type { Expect } from '../differences.ts';
import type { Harness } from '../harness.ts';
import type { Look, RecordedCase, Step, Until } from './case.ts';
import { describeObject, fits, withStandIns } from './look.ts';
import type { Registries } from './registries.ts';

const timeoutMs = 60_000;
const WRITING = { fieldManager: 'test', force: true };

interface Playing {
  harness: Harness;
  registries: Registries;
  namespace: string;
  /** Of the case's images in the registry. */
  prefix: string;
  expect: Expect;
  /** Whether an event that Flux published may be missing on purpose. */
  mayMiss(event: string): boolean;
}

export async function playCase(recorded: RecordedCase, playing: Playing): Promise<void> {
  const { harness, registries, namespace, prefix, expect } = playing;
  const { setup, objects, steps = [], result } = recorded;
  await registries.push(prefix, setup.images ?? {});
  for (const name of setup.otherNamespaces ?? []) {
    await harness.client.apply(
      Namespace,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
      WRITING,
    );
  }
  for (const object of objects) await create(object, recorded, playing);
  for (const [index, step] of steps.entries()) {
    if (index === 0 && step.mark === undefined) await settled(objects, playing);
    await takeStep(step, recorded, playing);
  }
  await expectLook(result.status, playing);
  await expectEvents(result.eventMessages.map(expect), recorded, playing);
  if (result.via?.includes('proxy')) {
    const asked = registries.proxied();
    ok(
      asked.some((it) => it.includes(`/${prefix}/`)),
      asked.join('\n'),
    );
  }
  ok(namespace);
}

async function create(
  object: KubeObject,
  { result }: RecordedCase,
  { harness, namespace }: Playing,
): Promise<void> {
  const own = {
    ...object,
    metadata: { ...object.metadata, namespace: object.metadata.namespace ?? namespace },
  };
  const refusal = result.rejected?.[`${object.kind}/${object.metadata.name}`];
  const created = harness.client.apply(typeOf(object.kind), own, WRITING);
  if (refusal === undefined) await created;
  else {
    await rejects(created, (error: unknown) => {
      match(
        String(error),
        new RegExp(refusal.slice(0, 120).replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')),
      );
      return true;
    });
  }
}

async function takeStep(step: Step, recorded: RecordedCase, playing: Playing): Promise<void> {
  const { harness, registries, prefix } = playing;
  const { client } = harness;
  const { objectsCreatedLater = [], result } = recorded;
  if (step.push !== undefined) await registries.push(prefix, step.push);
  if (step.apply !== undefined) await create(step.apply, recorded, playing);
  if (step.create !== undefined) {
    const later = objectsCreatedLater.find(
      ({ kind, metadata }) => `${kind}/${metadata.name}` === step.create,
    );
    await create(later ?? fail(`there is no ${step.create}`), recorded, playing);
  }
  if (step.labelNamespace !== undefined) {
    const name = `${playing.namespace}-${step.labelNamespace}`;
    await client.patch(
      Namespace,
      { name },
      { metadata: { labels: step.labels } },
      { kind: 'merge' },
    );
  }
  const before = step.until?.digest && (await policiesOf(step.until.digest, playing));
  if (step.spec !== undefined) {
    await client.patch(...target(step.spec, playing), { spec: step.patch }, { kind: 'merge' });
    await settledOne(step.spec, playing);
  }
  if (step.request !== undefined) await request(step.request, playing);
  if (step.delete !== undefined) await client.delete(...target(step.delete, playing));
  if (step.until !== undefined) await waitFor(step.until, before ?? {}, playing);
  if (step.mark !== undefined) await expectLook(result.marks?.[step.mark]?.status ?? {}, playing);
}

async function request(key: string, playing: Playing): Promise<void> {
  const { client } = playing.harness;
  const token = `request-${Math.random()}`;
  const body = { metadata: { annotations: { [RECONCILE_REQUEST]: token } } };
  await client.patch(...target(key, playing), body, { kind: 'merge' });
  await until(
    async () => {
      const { status } = await client.get<KubeObject>(...target(key, playing));
      return (status as { lastHandledReconcileAt?: string })?.lastHandledReconcileAt === token;
    },
    { timeoutMs, message: `${key} to handle a request` },
  );
}

async function policiesOf(names: object, playing: Playing): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of Object.keys(names)) {
    const policy = await playing.harness.client.get<ImagePolicy>(
      ...target(`ImagePolicy/${name}`, playing),
    );
    found[name] = policy.status?.latestRef?.digest ?? '';
  }
  return found;
}

async function waitFor(
  { latestTag = {}, digest = {}, ready = {} }: Until,
  before: Record<string, string>,
  playing: Playing,
): Promise<void> {
  const { client } = playing.harness;
  const policy = (name: string) =>
    client.get<ImagePolicy>(...target(`ImagePolicy/${name}`, playing));
  for (const [name, tag] of Object.entries(latestTag)) {
    await until(async () => (await policy(name)).status?.latestRef?.tag === tag, {
      ...{ timeoutMs, message: `${name} to have the tag ${tag}` },
    });
  }
  for (const name of Object.keys(digest)) {
    await until(async () => (await policy(name)).status?.latestRef?.digest !== before[name], {
      ...{ timeoutMs, message: `${name} to have another digest` },
    });
  }
  for (const [key, status] of Object.entries(ready)) {
    await until(
      async () => readyOf(await client.get<KubeObject>(...target(key, playing)))?.status === status,
      {
        ...{ timeoutMs, message: `${key} to be Ready=${status}` },
      },
    );
  }
}

/** Waits until all objects have reported a result. */
async function settled(objects: readonly KubeObject[], playing: Playing): Promise<void> {
  for (const { kind, metadata } of objects.filter((it) => it.kind.startsWith('Image'))) {
    await settledOne(`${kind}/${metadata.name}`, playing);
  }
}

async function settledOne(key: string, playing: Playing): Promise<void> {
  await until(
    async () => {
      const object = await playing.harness.client.get<KubeObject>(...target(key, playing));
      if ((object.spec as { suspend?: boolean }).suspend) return true;
      const ready = readyOf(object);
      const isCurrent = ready?.observedGeneration === object.metadata.generation;
      return isCurrent && ready?.status !== 'Unknown';
    },
    { timeoutMs, message: `${key} to be ready or not` },
  );
}

function readyOf({ status }: KubeObject): Condition | undefined {
  const { conditions = [] } = (status ?? {}) as { conditions?: Condition[] };
  return conditions.find(({ type }) => type === 'Ready');
}

async function expectLook(look: Look, playing: Playing): Promise<void> {
  const { client } = playing.harness;
  for (const [key, recorded] of Object.entries(look)) {
    const wanted = mapTexts(recorded, playing.expect);
    let actual: unknown;
    await until(
      async () => {
        const object = await client.get<KubeObject>(...target(key, playing));
        actual = withStandIns(describeObject(object), wanted);
        deepEqual(actual, wanted);
        return true;
      },
      { timeoutMs, message: `${key} to be as recorded` },
    ).catch(() => deepEqual(actual, wanted, key));
  }
}

/** The messages of a description, converted to the expected ones. */
function mapTexts(recorded: Record<string, unknown>, expect: Expect): Record<string, unknown> {
  const names = ['message', 'stalled'].filter((name) => typeof recorded[name] === 'string');
  const texts = names.map((name) => [name, expect(String(recorded[name]))]);
  return { ...recorded, ...Object.fromEntries(texts) };
}

async function expectEvents(
  wanted: readonly string[],
  { setup }: RecordedCase,
  { harness, namespace, mayMiss }: Playing,
): Promise<void> {
  const namespaces = [namespace, ...(setup.otherNamespaces ?? [])];
  let problem = '';
  await until(
    async () => {
      const said = new Set<string>();
      for (const one of namespaces) {
        for (const event of await listEvents(harness, one)) said.add(event);
      }
      const extra = [...said].filter((it) => !wanted.some((recorded) => fits(it, recorded)));
      const missing = wanted.filter(
        (it) => !mayMiss(it) && ![...said].some((one) => fits(one, it)),
      );
      problem = JSON.stringify({ extra, missing }, undefined, 2);
      return extra.length + missing.length === 0;
    },
    { timeoutMs: 15_000, message: 'the events' },
  ).catch(() => fail(problem));
}

async function listEvents({ client }: Harness, namespace: string): Promise<string[]> {
  interface AnyEvent extends KubeObject {
    type: string;
    reason: string;
    message: string;
    involvedObject: { kind: string; name: string };
  }
  const { items } = await client.list<AnyEvent>(Event, { namespace });
  return items.map(
    ({ type, reason, message, involvedObject: { kind, name } }) =>
      `${kind}/${name} ${type} ${reason}: ${message}`,
  );
}

function target(key: string, { namespace }: Playing) {
  const [, kind = '', name = '', other] = /^(\w+)\/([^@]+)(?:@(.+))?$/.exec(key) ?? [];
  const ref = { namespace: other === undefined ? namespace : `${namespace}-${other}`, name };
  return [typeOf(kind), ref] as const;
}

function typeOf(kind: string) {
  if (kind === 'Secret') return Secret;
  if (kind === 'ServiceAccount') return ServiceAccount;
  return kinds.find((it) => it.kind === kind) ?? fail(`there is no kind ${kind}`);
}
