// Plays a recorded case against the service, and compares the result with what Flux left.
import { deepEqual, equal, ok } from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { isRequested, kinds, RECONCILE_REQUEST } from '@weir/api';
import { until } from '@weir/cluster';
import { isNotFound, type KubeObject, Secret, ServiceAccount } from '@weir/kube';
import type { SourceObject } from '../../shared/source.ts';
import type { Harness } from '../harness.ts';
import type { Look, RecordedCase, Step } from './case.ts';
import { comparable, describeObject, withStandIns } from './look.ts';
import type { Servers } from './servers.ts';

const timeoutMs = 60_000;
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
  if (setup.helmRepository) await servers.charts.create(setup.helmRepository);
  if (setup.git) await servers.git.create(setup.git);
  for (const object of objects) {
    const own = { ...object, metadata: { ...object.metadata, namespace } };
    await harness.client.apply(typeOf(object.kind), own, WRITING);
  }
  let before: Record<string, unknown> = {};
  // The final state may be reached before the last step, so between steps only what a step names is waited for.
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
  if (result.helmRequests && setup.helmRepository) {
    const asked = new Set(servers.charts.requests(setup.helmRepository.path));
    deepEqual([...asked].sort(), result.helmRequests);
  }
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
  { setup, result }: RecordedCase,
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
    case 'change the Helm repository':
      if (setup.helmRepository) await servers.charts.change(setup.helmRepository, step);
      return;
    case 'commit to the branch':
      if (setup.git) await servers.git.commit(setup.git, step.files);
      return;
    case 'wait for':
      return waitFor(step, namespace, harness);
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

/** Waits for what a step names. Everything else is waited for by the comparison that follows. */
async function waitFor(
  { object: key, what }: { object: string; what: string },
  namespace: string,
  { client }: Harness,
): Promise<void> {
  type Chart = SourceObject & { spec: { sourceRef?: { kind: string; name: string } } };
  const holds = async () => {
    const object = await client.get<Chart>(...target(key, namespace));
    const { artifact, conditions, observedSourceArtifactRevision } = object.status ?? {};
    if (what === 'Ready is True') {
      return conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
    }
    if (what.startsWith('revision ')) return artifact?.revision === what.slice('revision '.length);
    const { kind = '', name = '' } = object.spec.sourceRef ?? {};
    const source = await client.get<SourceObject>(...target(`${kind}/${name}`, namespace));
    const { generation } = source.metadata;
    const isDone = source.status?.observedGeneration === generation && !isRequestOpen(source);
    return isDone && observedSourceArtifactRevision === source.status?.artifact?.revision;
  };
  await until(holds, { timeoutMs, message: `${key}: ${what}` });
}

function isRequestOpen(object: SourceObject): boolean {
  return isRequested(object, object.status?.lastHandledReconcileAt);
}

/** Waits until the sources have reported a result. */
async function settled(
  namespace: string,
  objects: KubeObject[],
  { client }: Harness,
): Promise<void> {
  let hasFailed = false;
  for (const { kind, metadata } of objects.filter((it) => isSource(it.kind))) {
    await until(
      async () => {
        const found = await client.get<SourceObject>(typeOf(kind), {
          ...{ namespace, name: metadata.name },
        });
        const ready = found.status?.conditions?.find(({ type }) => type === 'Ready');
        // A chart that waits for a source that is fine is about to be another.
        if (ready?.reason === 'NoSourceArtifact' && !hasFailed) return false;
        hasFailed ||= ready?.status === 'False';
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
        const description = await describeObject(object, wanted);
        const recorded = comparable(wanted, expect);
        deepEqual(withStandIns(comparable(description), recorded), recorded);
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

/** Events that Flux records in Kubernetes only, without sending them to the notification-controller. */
const TRACES = /^Normal (?!NewArtifact|Succeeded|Chart)/;

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
        wanted.sort();
        deepEqual(withStandIns([...new Set(said)].sort(), wanted), wanted);
        return true;
      },
      { timeoutMs, message: `the events of ${key}` },
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
