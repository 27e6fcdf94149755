// Plays a recorded case against the service, and holds what is there against what Flux left.
import { deepEqual, equal, ok } from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { kinds, RECONCILE_REQUEST } from '@weir/api';
import { until } from '@weir/cluster';
import { isNotFound, type KubeObject, Secret, ServiceAccount } from '@weir/kube';
import type { SourceObject } from '../../shared/source.ts';
import type { Harness } from '../harness.ts';
import type { Look, RecordedCase, Step } from './case.ts';
import { comparable, describeObject } from './look.ts';
import type { Servers } from './servers.ts';

const timeoutMs = 20_000;
const WRITING = { fieldManager: 'test', force: true };

/** Changes the messages of a recording where Weir says more on purpose. */
export type Expect = (message: string) => string;

interface Playing {
  harness: Harness;
  servers: Servers;
  expect: Expect;
}

/** @param namespace where the case's objects go */
export async function playCase(
  recorded: RecordedCase,
  namespace: string,
  playing: Playing,
): Promise<void> {
  const { harness, servers } = playing;
  const { setup, objects, steps = [], result } = recorded;
  for (const entry of setup.registries ?? []) await servers.registries.push(entry);
  for (const [name, bucket] of Object.entries(setup.buckets ?? {})) {
    await servers.buckets.create(name, bucket);
  }
  for (const object of objects) {
    const own = { ...object, metadata: { ...object.metadata, namespace } };
    await harness.client.apply(typeOf(object.kind), own, WRITING);
  }
  let before: Record<string, unknown> = {};
  // What is left at the end may be there before the last step as well: only what a look names is waited for between.
  for (const [index, step] of steps.entries()) {
    if (index === 0) {
      await settled(namespace, objects, harness);
      before = await artifactsOf(result, namespace, harness);
    }
    await takeStep(step, namespace, recorded, playing);
  }
  await expectLook(result.objects, namespace, playing);
  const after = await artifactsOf(result, namespace, harness);
  for (const [key, isKept] of Object.entries(result.artifactKept ?? {})) {
    equal(isDeepStrictEqual(after[key], before[key]), isKept, `the artifact of ${key} is kept`);
  }
  for (const key of Object.keys(result.deleted ?? {})) await isGone(key, namespace, harness);
  await expectEvents(result.eventMessages ?? {}, namespace, playing);
  if (result.throughProxy) {
    const asked = servers.registries.proxy.requests().map(({ target: url }) => url);
    ok(
      asked.some((it) => it.includes(`/${recorded.name}/`)),
      asked.join('\n'),
    );
  }
}

/** The artifacts of which a recording says whether they were kept. */
async function artifactsOf(
  { artifactKept = {} }: RecordedCase['result'],
  namespace: string,
  { client }: Harness,
): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const key of Object.keys(artifactKept)) {
    const { status } = await client.get<SourceObject>(...target(key, namespace));
    const { revision, digest, lastUpdateTime } = status?.artifact ?? {};
    found[key] = { revision, digest, lastUpdateTime };
  }
  return found;
}

async function takeStep(
  step: Step,
  namespace: string,
  { result }: RecordedCase,
  playing: Playing,
): Promise<void> {
  const { harness, servers } = playing;
  const { client } = harness;
  switch (step.do) {
    case 'look':
      return expectLook(result.marks?.[step.mark] ?? {}, namespace, playing);
    case 'push to the registry':
    case 'sign':
      return servers.registries.push(step);
    case 'delete the manifest from the registry':
      return servers.registries.remove(step.repository, step.digest);
    case 'put the object into the bucket':
      return servers.buckets.put(step.bucket, step.key, step.text);
    case 'delete the object from the bucket':
      return servers.buckets.remove(step.bucket, step.key);
    case 'merge patch':
      await client.patch(...target(step.object, namespace), step.patch, { kind: 'merge' });
      return;
    case 'set the annotation reconcile.fluxcd.io/requestedAt': {
      const token = `request-${Math.random()}`;
      const body = { metadata: { annotations: { [RECONCILE_REQUEST]: token } } };
      await client.patch(...target(step.object, namespace), body, { kind: 'merge' });
      return;
    }
    case 'delete':
      await client.delete(...target(step.object, namespace));
      return;
  }
}

/** Waits until the sources say what became of them. */
async function settled(
  namespace: string,
  objects: KubeObject[],
  { client }: Harness,
): Promise<void> {
  for (const { kind, metadata } of objects.filter((it) => isSource(it.kind))) {
    await until(
      async () => {
        const found = await client.get<SourceObject>(typeOf(kind), {
          ...{ namespace, name: metadata.name },
        });
        const ready = found.status?.conditions?.find(({ type }) => type === 'Ready');
        return ready?.status === 'True' || ready?.status === 'False';
      },
      { timeoutMs, message: `${namespace}/${metadata.name} to be ready or not` },
    );
  }
}

async function expectLook(
  look: Look,
  namespace: string,
  { harness: { client }, expect }: Playing,
): Promise<void> {
  for (const [key, wanted] of Object.entries(look)) {
    await until(
      async () => {
        const object = await client.get<SourceObject>(...target(key, namespace));
        deepEqual(comparable(await describeObject(object)), comparable(wanted, expect));
        return true;
      },
      { timeoutMs, message: `${key} to be as recorded` },
    );
  }
}

async function isGone(key: string, namespace: string, { client }: Harness): Promise<void> {
  const read = () =>
    client.get(...target(key, namespace)).then(
      () => false,
      (error: unknown) => isNotFound(error) || Promise.reject(error),
    );
  await until(read, { timeoutMs, message: `${key} to be gone` });
}

/** What Flux tells in Kubernetes alone, without telling anybody else. */
const TRACES = /^Normal (?!NewArtifact|Succeeded)/;

async function expectEvents(
  recorded: Record<string, string[]>,
  namespace: string,
  { harness, expect }: Playing,
): Promise<void> {
  for (const [key, messages] of Object.entries(recorded)) {
    const name = key.slice(key.indexOf('/') + 1);
    const wanted = messages
      .filter((it) => !TRACES.test(it))
      .map((it) => expect(it.replace(/ \[[^\]]*source\.toolkit[^\]]*\]$/, '')));
    await until(
      () => {
        const own = harness.events.filter(
          ({ event: { involvedObject } }) =>
            involvedObject.namespace === namespace && involvedObject.name === name,
        );
        const said = own.map(
          ({ event: { severity, reason, message } }) =>
            `${severity === 'info' ? 'Normal' : 'Warning'} ${reason}: ${message}`,
        );
        deepEqual([...new Set(said)].sort(), wanted.sort());
        return true;
      },
      { timeoutMs: 5_000, message: `the events of ${key}` },
    );
  }
}

function target(key: string, namespace: string) {
  const [kind = '', name = ''] = key.split('/');
  return [typeOf(kind), { namespace, name }] as const;
}

function typeOf(kind: string) {
  const core = [Secret, ServiceAccount].find((it) => it.kind === kind);
  const found = core ?? kinds.find((it) => it.kind === kind);
  if (found === undefined) throw new Error(`no kind ${kind}`);
  return found;
}

function isSource(kind: string): boolean {
  return kinds.some((it) => it.kind === kind);
}
