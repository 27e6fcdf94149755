// Steps about Kustomizations: made, asked for a reconcile, waited for.
import { findCondition, Kustomization, READY, RECONCILE_REQUEST } from '@weir/api';
import { until } from '@weir/cluster';
import { DEFAULT_NAME, MANAGER, PATIENCE, type Scene, type StepOf } from './scene.ts';

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

export async function applyKustomization(
  { client, fixture }: Scene,
  step: StepOf<'kustomization'>,
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

export async function requestReconcile(scene: Scene, name: string): Promise<void> {
  const { client, fixture, requests } = scene;
  const before = Number(requests.get(name)?.replace('request-', '') ?? 0);
  const value = `request-${before + 1}`;
  requests.set(name, value);
  const annotations = { [RECONCILE_REQUEST]: value };
  const ref = { namespace: fixture.namespace, name };
  const how = { kind: 'merge', fieldManager: 'flux' } as const;
  await client.patch(Kustomization, ref, { metadata: { annotations } }, how);
}

/** Waits until the object is ready, has failed for a reason, or is done: with all that was asked of it last. */
export async function waitFor(scene: Scene, step: StepOf<'wait'>): Promise<void> {
  const { client, fixture } = scene;
  const { name = DEFAULT_NAME, wait: wanted, message } = step;
  const ref = { namespace: fixture.namespace, name };
  await until(
    async () => {
      const object = await client.get<Kustomization>(Kustomization, ref);
      const isThere = isAsWanted(scene, object, wanted);
      const ready = findCondition(object.status?.conditions, READY);
      if (!isThere || (message !== undefined && !ready?.message.includes(message))) {
        throw new Error(JSON.stringify(object.status));
      }
      return true;
    },
    { ...PATIENCE, message: `${name} to be ${wanted}` },
  );
}

function isAsWanted(scene: Scene, object: Kustomization, wanted: string): boolean {
  if (wanted === 'ready') return isReady(scene, object);
  if (wanted !== 'done') return hasFailed(scene, object, wanted);
  const ready = findCondition(object.status?.conditions, READY);
  return isReady(scene, object) || hasFailed(scene, object, ready?.reason ?? '');
}

function isReady(scene: Scene, object: Kustomization): boolean {
  const { status, metadata } = object;
  return (
    findCondition(status?.conditions, READY)?.status === 'True' &&
    status?.observedGeneration === metadata.generation &&
    isRevision(scene, object, status?.lastAppliedRevision) &&
    isAnswered(scene, object)
  );
}

function hasFailed(scene: Scene, object: Kustomization, reason: string): boolean {
  const { status, metadata } = object;
  const ready = findCondition(status?.conditions, READY);
  return (
    ready?.status === 'False' &&
    ready.reason === reason &&
    ready.observedGeneration === metadata.generation &&
    (BEFORE_ATTEMPT.has(reason) || isRevision(scene, object, status?.lastAttemptedRevision)) &&
    isAnswered(scene, object)
  );
}

/** Whether this is the revision of the last commit, where the source is one that the fixture commits to. */
function isRevision(
  { commits, fixture }: Scene,
  { spec }: Kustomization,
  revision: string | undefined,
): boolean {
  const { kind, name, namespace = fixture.namespace } = spec.sourceRef;
  const isOurs = kind === 'GitRepository' && namespace === fixture.namespace;
  const commit = isOurs ? commits.get(name) : undefined;
  return commit === undefined ? revision !== undefined : revision === `main@sha1:${commit}`;
}

function isAnswered({ requests }: Scene, { metadata, status }: Kustomization): boolean {
  const request = requests.get(metadata.name);
  return request === undefined || status?.lastHandledReconcileAt === request;
}
