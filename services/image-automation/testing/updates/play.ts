// Plays a recorded case against the service, and compares the result with what Flux left.
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import {
  findCondition,
  GitRepository,
  ImagePolicy,
  ImageUpdateAutomation,
  READY,
  RECONCILE_REQUEST,
  STALLED,
} from '@weir/api';
import { type GitServer, until } from '@weir/cluster';
import { type KubeObject, Secret } from '@weir/kube';
import { parseAllDocuments } from 'yaml';
import type { Harness } from '../harness.ts';
import type { RecordedCase, RecordedCommit, RecordedStatus, Step } from './case.ts';
import { type CaseRepository, createCaseRepository } from './git.ts';

const WAIT_MS = 60_000;
const APPLY = { fieldManager: 'test', force: true };
const KINDS = { GitRepository, ImagePolicy, ImageUpdateAutomation, Secret };

export interface PlayOptions {
  harness: Harness;
  server: GitServer;
  /** How the repository of the case is called at the server. */
  repositoryName: string;
  namespace: string;
  publicKey: string;
  /** Weir's messages in place of Flux's. */
  message(text: string): string;
  /** Whether Weir's files are others on purpose in this case. */
  ownFiles: boolean;
  /** Whether the lines of Flux's commit messages come in any order. */
  anyOrder: boolean;
}

export async function playCase(recorded: RecordedCase, options: PlayOptions): Promise<void> {
  const { harness, server, repositoryName } = options;
  const [setup] = Object.values(recorded.setup.git);
  assert.ok(setup);
  const repository = await createCaseRepository(server, repositoryName, setup);
  for (const name of recorded.setup.otherNamespaces ?? []) {
    const path = '/api/v1/namespaces';
    await harness.cluster.request('POST', path, { metadata: { name } });
  }
  for (const object of recorded.objects) await create(object, recorded, options);
  await waitUntil(recorded.firstWaitUntil, repository);
  for (const step of recorded.steps ?? []) {
    await take(step, recorded, repository, options);
    await waitUntil(step.until, repository);
  }
  await compareStatus(recorded.result.status, repository, options);
  await compareGit(recorded, repository, options);
  await compareEvents(recorded, options);
}

async function create(
  object: KubeObject,
  recorded: RecordedCase,
  { harness, namespace }: PlayOptions,
): Promise<void> {
  if (object.kind === 'ImageRepository') return;
  const kind = KINDS[object.kind as keyof typeof KINDS];
  // Policies report what they reported in the case: how they choose is tested with their own kind.
  const isPolicy = object.kind === 'ImagePolicy';
  const spec = { ...(object.spec as object), ...(isPolicy ? { suspend: true } : {}) };
  await harness.client.apply(kind, object.spec === undefined ? object : { ...object, spec }, APPLY);
  if (!isPolicy) return;
  const { name } = object.metadata;
  await choose(harness, namespace, name, firstTags(recorded, name));
}

/** What the policy of a case chose first: the end of the case, unless a step pushes another tag later. */
function firstTags(recorded: RecordedCase, name: string): Record<string, unknown> | undefined {
  const last = recorded.result.status[`ImagePolicy/${name}`]?.latestRef;
  if (last === undefined) return undefined;
  const later = (recorded.steps ?? []).some(({ push }) => push !== undefined);
  return { ...(last as object), ...(later ? { tag: '1.1.0' } : {}) };
}

async function choose(
  { client }: Harness,
  namespace: string,
  name: string,
  latestRef: Record<string, unknown> | undefined,
): Promise<void> {
  if (latestRef === undefined) return;
  const body = { status: { latestRef } };
  await client.patch(ImagePolicy, { namespace, name }, body, {
    kind: 'merge',
    subresource: 'status',
  });
}

async function take(
  step: Step,
  recorded: RecordedCase,
  repository: CaseRepository,
  options: PlayOptions,
): Promise<void> {
  const { harness, namespace } = options;
  const refOf = (text: string) => {
    const [kind = '', name = ''] = text.split('/');
    return {
      kind: KINDS[kind as keyof typeof KINDS],
      ref: { namespace, name },
      isScan: kind === 'ImageRepository',
    };
  };
  if (step.commit) await repository.commit(step.commit, step.message);
  if (step.setGit) repository.repository.setReadOnly(step.setGit.readOnly);
  if (step.sleep) await delay(step.sleep * 300);
  if (step.create) {
    const wanted = step.create;
    const object = recorded.objectsCreatedLater?.find(
      ({ kind, metadata }) => `${kind}/${metadata.name}` === wanted,
    );
    assert.ok(object);
    await create(object, recorded, options);
  }
  if (step.spec) {
    const { kind, ref } = refOf(step.spec);
    await harness.client.patch(kind, ref, { spec: step.patch }, { kind: 'merge' });
  }
  if (step.request) {
    const { kind, ref, isScan } = refOf(step.request);
    if (isScan) {
      for (const [name, tag] of Object.entries(step.until?.latestTag ?? {})) {
        const last = recorded.result.status[`ImagePolicy/${name}`]?.latestRef as object;
        await choose(harness, namespace, name, { ...last, tag });
      }
      return;
    }
    const annotations = { [RECONCILE_REQUEST]: `request-${Date.now()}` };
    await harness.client.patch(kind, ref, { metadata: { annotations } }, { kind: 'merge' });
  }
  if (step.mark) {
    const mark = recorded.result.marks?.[step.mark];
    assert.ok(mark);
    await compareStatus(mark.status, repository, options);
  }
}

async function waitUntil(wanted: Step['until'], repository: CaseRepository): Promise<void> {
  const { pushedCommits } = wanted ?? {};
  if (pushedCommits === undefined) return;
  await until(async () => (await repository.pushed()).length >= pushedCommits, {
    timeoutMs: WAIT_MS,
    message: `${pushedCommits} commits`,
  });
}

async function compareStatus(
  expected: Record<string, RecordedStatus>,
  repository: CaseRepository,
  options: PlayOptions,
): Promise<void> {
  const { harness, namespace } = options;
  for (const [key, status] of Object.entries(expected)) {
    const [kind, name = ''] = key.split('/');
    if (kind !== 'ImageUpdateAutomation') continue;
    const wanted = inWords(status, options);
    await until(
      async () => {
        const object = await harness.client.get<ImageUpdateAutomation>(ImageUpdateAutomation, {
          namespace,
          name,
        });
        assert.deepEqual(await describeStatus(object, repository), wanted, key);
        return true;
      },
      { timeoutMs: WAIT_MS, message: key },
    );
  }
}

function inWords(status: RecordedStatus, { message }: PlayOptions): RecordedStatus {
  const said = (text: unknown) => message(String(text));
  return {
    ...status,
    ...(status.message === undefined ? {} : { message: said(status.message) }),
    ...(status.stalled === undefined ? {} : { stalled: said(status.stalled) }),
  };
}

/** An automation as cases write it. */
async function describeStatus(
  object: ImageUpdateAutomation,
  { nameOf }: CaseRepository,
): Promise<RecordedStatus> {
  const { conditions = [], ...status } = object.status ?? {};
  const { observedGeneration = -1 } = status;
  const isCurrent = observedGeneration === object.metadata.generation;
  const request = object.metadata.annotations?.[RECONCILE_REQUEST];
  const handled = status.lastHandledReconcileAt === request ? 'handled' : 'not handled';
  const [, revision, commit = ''] =
    /^(.*@sha1:)(.*)$/.exec(status.observedSourceRevision ?? '') ?? [];
  const stalled = findCondition(conditions, STALLED)?.message;
  const message = findCondition(conditions, READY)?.message;
  const entries = {
    conditions: conditions.map((it) => `${it.type}=${it.status} ${it.reason}`).sort(),
    finalizers: object.metadata.finalizers,
    lastAutomationRunTime: status.lastAutomationRunTime !== undefined || undefined,
    lastHandledReconcileAt: request === undefined ? undefined : handled,
    lastPushCommit: status.lastPushCommit && (await nameOf(status.lastPushCommit)),
    lastPushTime: status.lastPushTime !== undefined || undefined,
    message,
    observedGeneration: isCurrent ? 'current' : observedGeneration < 0 ? 'none' : 'behind',
    observedPolicies: status.observedPolicies,
    observedSourceRevision: revision && `${revision}${await nameOf(commit)}`,
    stalled,
  };
  const set = Object.entries(entries).filter(([, value]) => value !== undefined);
  return Object.fromEntries(set) as unknown as RecordedStatus;
}

async function compareGit(
  recorded: RecordedCase,
  repository: CaseRepository,
  { publicKey, ownFiles, anyOrder }: PlayOptions,
): Promise<void> {
  const [expected] = Object.values(recorded.result.git);
  const found = await repository.branches(publicKey);
  const parsed = (commits: RecordedCommit[]) =>
    commits.map(({ files, message, ...commit }) => ({
      ...commit,
      message: anyOrder ? message.split('\n').sort() : message,
      ...(ownFiles ? {} : { files: meaning(files) }),
    }));
  assert.deepEqual(
    Object.fromEntries(Object.entries(found).map(([branch, commits]) => [branch, parsed(commits)])),
    Object.fromEntries(
      Object.entries(expected?.branches ?? {}).map(([branch, commits]) => [
        branch,
        parsed(commits),
      ]),
    ),
  );
  assert.deepEqual((await repository.pushes()).sort(), (expected?.pushes ?? []).sort());
}

/** What the documents of files say: Flux writes a file anew, Weir changes the marked values. */
function meaning(files: RecordedCommit['files'] = {}) {
  return Object.fromEntries(
    Object.entries(files).map(([path, { content, ...rest }]) => [
      path,
      {
        ...rest,
        documents: parseAllDocuments(content, { uniqueKeys: false })
          .map((document) => document.toJS() as unknown)
          .filter((document) => document !== null),
      },
    ]),
  );
}

async function compareEvents(
  recorded: RecordedCase,
  { harness, namespace, message }: PlayOptions,
): Promise<void> {
  const expected = recorded.result.eventMessages
    .filter((line) => line.startsWith('ImageUpdateAutomation/'))
    .map((line) => message(line))
    .filter((line) => line !== '')
    .map(sorted)
    .sort();
  await until(
    () => {
      const found = harness.events
        .map(({ event }) => event)
        .filter(({ involvedObject: it }) => it.namespace === namespace)
        .filter(({ involvedObject: it }) => it.kind === 'ImageUpdateAutomation')
        .map(({ involvedObject: it, severity, reason, message: text }) => {
          const type = severity === 'error' ? 'Warning' : 'Normal';
          return sorted(`${it.kind}/${it.name} ${type} ${reason}: ${text}`);
        })
        .map((line) => line.replace(/commit '[0-9a-f]{7}'/, "commit '<short hash>'"));
      assert.deepEqual([...new Set(found)].sort(), expected);
      return true;
    },
    { timeoutMs: WAIT_MS, message: 'the events' },
  );
}

/** The lines of a message, sorted: where Go iterates over a map, the order of Flux's lines is random. */
function sorted(line: string): string {
  const [head = '', ...rest] = line.split(': ');
  return `${head}: ${rest.join(': ').split('\n').sort().join('\n')}`;
}
