// Plays a fixture's steps against whatever reconciles in the cluster.
import { findCondition, GitRepository, Kustomization, READY, RECONCILE_REQUEST } from '@weir/api';
import { type FileChange, type GitServer, type GitServerRepository, until } from '@weir/cluster';
import { isNoMatch, type KubeClient, Namespace } from '@weir/kube';
import type { FileContent, Fixture, Step } from './fixture.ts';
import { find, parseObjects, resolve } from './objects.ts';

const MANAGER = 'conformance';
const STEP_TIMEOUT_MS = 60_000;
const POLL_MS = 100;
const DEFAULT_NAME = 'app';
const FIRST_COMMIT = Date.UTC(2026, 0, 1);

const DEFAULT_SPEC = {
  interval: '1h',
  timeout: '1m',
  prune: true,
  path: './',
  sourceRef: { kind: 'GitRepository', name: DEFAULT_NAME },
};

/** Reasons of runs that never came as far as to attempt a revision. */
const BEFORE_ATTEMPT = new Set([
  'ArtifactFailed',
  'DependencyNotReady',
  'AccessDenied',
  'InvalidCELExpression',
  'UnsupportedField',
]);

export interface Stage {
  client: KubeClient;
  git: GitServer;
  /** Called at each point that is to be compared. */
  snapshot(label: string): Promise<void>;
}

interface Play extends Stage {
  fixture: Fixture;
  repositories: Map<string, GitServerRepository>;
  /** The last commit by source. */
  commits: Map<string, string>;
  /** The last request by Kustomization. */
  requests: Map<string, string>;
  commitCount: number;
}

/** Plays a fixture to its end, where `snapshot('end')` is called. Rejects with the step that failed. */
export async function play(fixture: Fixture, stage: Stage): Promise<void> {
  const playing: Play = {
    ...stage,
    fixture,
    repositories: new Map(),
    commits: new Map(),
    requests: new Map(),
    commitCount: 0,
  };
  for (const name of [fixture.namespace, ...ownNamespaces(fixture)]) {
    await ensureNamespace(stage.client, name);
  }
  for (const [index, step] of fixture.steps.entries()) {
    try {
      await perform(playing, step);
    } catch (cause) {
      const what = JSON.stringify(step).slice(0, 200);
      throw new Error(`step ${index + 1} ${what}: ${String(cause)}`, { cause });
    }
  }
  await stage.snapshot('end');
}

/** The further namespaces that the fixture wants to be there at its start. */
function ownNamespaces({ namespace, namespaces }: Fixture): string[] {
  return namespaces.filter((name) => !name.startsWith('?')).map((name) => `${namespace}-${name}`);
}

/** All further namespaces to look at. */
export function namespacesOf({ namespace, namespaces }: Fixture): string[] {
  return namespaces.map((name) => `${namespace}-${name.replace(/^\?/, '')}`);
}

async function ensureNamespace(client: KubeClient, name: string): Promise<void> {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
  await client.apply(Namespace, namespace, { fieldManager: MANAGER });
}

function perform(play: Play, step: Step): Promise<void> {
  if ('commit' in step) return commit(play, step);
  if ('kustomization' in step) return kustomization(play, step);
  if ('apply' in step) return applyYaml(play, step.apply, step.as);
  if ('create' in step) return createYaml(play, step.create, step.as);
  if ('patch' in step) return patch(play, step);
  if ('lend' in step) return lend(play, step);
  if ('delete' in step) return remove(play, step.delete);
  if ('reconcile' in step) return reconcile(play, step.reconcile);
  if ('wait' in step) return wait(play, step);
  if ('gone' in step) return gone(play, step.gone);
  if ('there' in step) return there(play, step);
  return play.snapshot(step.snapshot);
}

async function commit(play: Play, step: Extract<Step, { commit: unknown }>): Promise<void> {
  const { fixture, git, client, repositories, commits } = play;
  const { source = DEFAULT_NAME, unready = false } = step;
  let repository = repositories.get(source);
  if (repository === undefined) {
    repository = await git.createRepository(`${fixture.namespace}-${source}`);
    repositories.set(source, repository);
  }
  const files = Object.entries(step.commit).map(([path, content]) => [path, toChange(content)]);
  // Fixed dates, so that a commit has the same hash each time.
  const date = new Date(FIRST_COMMIT + play.commitCount++ * 1_000);
  const sha = await repository.commit(Object.fromEntries(files), { date });
  commits.set(source, sha);
  if (unready) return;
  const ref = { namespace: fixture.namespace, name: source };
  await client.apply(
    GitRepository,
    {
      apiVersion: GitRepository.apiVersion,
      kind: 'GitRepository',
      metadata: { ...ref, annotations: { [RECONCILE_REQUEST]: sha } },
      spec: { interval: '1h', url: repository.url, ref: { branch: 'main' } },
    },
    { fieldManager: MANAGER, force: true },
  );
  let last: unknown;
  await until(
    async () => {
      const object = await client.get<GitRepository>(GitRepository, ref);
      last = object.status;
      return (
        object.status?.artifact?.revision === `main@sha1:${sha}` &&
        object.status.lastHandledReconcileAt === sha &&
        findCondition(object.status.conditions, READY)?.status === 'True'
      );
    },
    { timeoutMs: STEP_TIMEOUT_MS, intervalMs: POLL_MS, message: `the artifact of ${sha}` },
  ).catch((cause) => {
    throw new Error(`${String(cause)}: ${JSON.stringify(last)}`, { cause });
  });
}

function toChange(content: FileContent): FileChange {
  if (content === null || typeof content === 'string') return content;
  if ('symlink' in content) return { content: content.symlink, mode: '120000' };
  return content.repeat.repeat(content.times);
}

async function kustomization(
  { client, fixture }: Play,
  step: Extract<Step, { kustomization: unknown }>,
): Promise<void> {
  const { name = DEFAULT_NAME, labels, annotations } = step;
  await client.apply(
    Kustomization,
    {
      apiVersion: Kustomization.apiVersion,
      kind: 'Kustomization',
      metadata: {
        name,
        namespace: fixture.namespace,
        ...(labels ? { labels } : {}),
        ...(annotations ? { annotations } : {}),
      },
      spec: withoutNulls({ ...DEFAULT_SPEC, ...step.kustomization }),
    },
    { fieldManager: MANAGER, force: true },
  );
}

/** `null` in a fixture takes a default away. */
function withoutNulls(spec: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== null));
}

async function applyYaml(play: Play, yaml: string, manager = MANAGER): Promise<void> {
  const { client, fixture } = play;
  for (const { type, object } of await served(play, yaml)) {
    await client.apply(type, object, { fieldManager: manager, force: true });
    if (type.kind === 'Namespace') continue;
  }
  void fixture;
}

async function createYaml(play: Play, yaml: string, manager = MANAGER): Promise<void> {
  for (const { type, object } of await served(play, yaml)) {
    await play.client.create(type, object, { fieldManager: manager });
  }
}

/** Waits for kinds that were just defined. */
function served({ client, fixture }: Play, yaml: string): ReturnType<typeof parseObjects> {
  return until(
    async () => {
      try {
        return await parseObjects(client, yaml, fixture.namespace);
      } catch (error) {
        if (isNoMatch(error)) client.discovery.invalidate();
        throw error;
      }
    },
    { timeoutMs: STEP_TIMEOUT_MS, intervalMs: POLL_MS, message: 'the kinds to be served' },
  ) as ReturnType<typeof parseObjects>;
}

async function patch(
  { client, fixture }: Play,
  step: Extract<Step, { patch: unknown }>,
): Promise<void> {
  const { type, ref } = await resolve(client, step.patch, fixture.namespace);
  await client.patch(type, ref, step.with, {
    kind: 'merge',
    fieldManager: step.as ?? MANAGER,
    ...(step.status ? { subresource: 'status' } : {}),
  });
}

async function lend({ client, fixture }: Play, step: Extract<Step, { lend: unknown }>) {
  const { type, ref } = await resolve(client, step.lend, fixture.namespace);
  const owner = { namespace: fixture.namespace, name: step.source ?? DEFAULT_NAME };
  const { status } = await client.get<GitRepository>(GitRepository, owner);
  const artifact = { ...status?.artifact, metadata: step.metadata ?? {} };
  await client.patch(
    type,
    ref,
    { status: { artifact } },
    {
      kind: 'merge',
      subresource: 'status',
      fieldManager: MANAGER,
    },
  );
}

async function remove({ client, fixture }: Play, name: string): Promise<void> {
  const { type, ref } = await resolve(client, name, fixture.namespace);
  await client.delete(type, ref, { propagationPolicy: 'Background' });
}

async function reconcile({ client, fixture, requests }: Play, name: string): Promise<void> {
  const value = `request-${(Number(requests.get(name)?.split('-')[1] ?? 0) || 0) + 1}`;
  requests.set(name, value);
  const annotations = { [RECONCILE_REQUEST]: value };
  const ref = { namespace: fixture.namespace, name };
  const how = { kind: 'merge', fieldManager: 'flux' } as const;
  await client.patch(Kustomization, ref, { metadata: { annotations } }, how);
}

async function wait(play: Play, step: Extract<Step, { wait: unknown }>): Promise<void> {
  const { client, fixture } = play;
  const { name = DEFAULT_NAME, wait: wanted, message } = step;
  let last: unknown = 'not there';
  await until(
    async () => {
      const object = await client.get<Kustomization>(Kustomization, {
        namespace: fixture.namespace,
        name,
      });
      last = object.status;
      const isThere = wanted === 'ready' ? isReady(play, object) : hasFailed(play, object, wanted);
      const ready = findCondition(object.status?.conditions, READY);
      return isThere && (message === undefined || ready?.message.includes(message) === true);
    },
    { timeoutMs: STEP_TIMEOUT_MS, intervalMs: POLL_MS, message: `${name} to be ${wanted}` },
  ).catch((cause) => {
    throw new Error(`${name} is not ${wanted}: ${JSON.stringify(last)}`, { cause });
  });
}

function isReady(play: Play, object: Kustomization): boolean {
  const { status, metadata } = object;
  return (
    findCondition(status?.conditions, READY)?.status === 'True' &&
    status?.observedGeneration === metadata.generation &&
    isRevision(play, object, status?.lastAppliedRevision) &&
    isAnswered(play, object)
  );
}

function hasFailed(play: Play, object: Kustomization, reason: string): boolean {
  const { status, metadata } = object;
  const ready = findCondition(status?.conditions, READY);
  return (
    ready?.status === 'False' &&
    ready.reason === reason &&
    ready.observedGeneration === metadata.generation &&
    (BEFORE_ATTEMPT.has(reason) || isRevision(play, object, status?.lastAttemptedRevision)) &&
    isAnswered(play, object)
  );
}

/** Whether this is the revision of the last commit, where the source is one that the fixture commits to. */
function isRevision(
  { commits, fixture }: Play,
  { spec }: Kustomization,
  revision?: string,
): boolean {
  const { kind, name, namespace = fixture.namespace } = spec.sourceRef;
  const isOurs = kind === 'GitRepository' && namespace === fixture.namespace;
  const commit = isOurs ? commits.get(name) : undefined;
  return commit === undefined ? revision !== undefined : revision === `main@sha1:${commit}`;
}

function isAnswered({ requests }: Play, { metadata, status }: Kustomization): boolean {
  const request = requests.get(metadata.name);
  return request === undefined || status?.lastHandledReconcileAt === request;
}

async function gone({ client, fixture }: Play, name: string): Promise<void> {
  await until(async () => (await find(client, name, fixture.namespace)) === undefined, {
    timeoutMs: STEP_TIMEOUT_MS,
    intervalMs: POLL_MS,
    message: `${name} to be gone`,
  });
}

async function there(
  { client, fixture }: Play,
  step: Extract<Step, { there: unknown }>,
): Promise<void> {
  let last: unknown;
  await until(
    async () => {
      last = await find(client, step.there, fixture.namespace);
      return last !== undefined && contains(last, step.with ?? {});
    },
    { timeoutMs: STEP_TIMEOUT_MS, intervalMs: POLL_MS, message: step.there },
  ).catch((cause) => {
    throw new Error(`not there: ${step.there}: ${JSON.stringify(last)}`, { cause });
  });
}

/** Whether a value has at least what `part` has; `null` asks for nothing to be there. */
export function contains(value: unknown, part: unknown): boolean {
  if (part === null) return value === undefined || value === null;
  if (typeof part !== 'object') return value === part;
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(part).every(([key, expected]) =>
    contains((value as Record<string, unknown>)[key], expected),
  );
}
