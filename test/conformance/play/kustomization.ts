// Steps that apply a Kustomization, request a reconcile of it, or wait for it.
import { findCondition, Kustomization, READY, RECONCILE_REQUEST } from '@weir/api';
import { until } from '@weir/cluster';
import { DEFAULT_NAME, type FixtureRun, MANAGER, type StepOf, WAIT } from './fixture-run.ts';

const DEFAULT_SPEC = {
  interval: '1h',
  timeout: '1m',
  prune: true,
  path: './',
  sourceRef: { kind: 'GitRepository', name: DEFAULT_NAME },
};

/** Reasons of runs that fail before they attempt a revision. */
const BEFORE_ATTEMPT = new Set([
  'ArtifactFailed',
  'DependencyNotReady',
  'AccessDenied',
  'InvalidCELExpression',
  'UnsupportedField',
  'FeatureGateDisabled',
]);

export async function applyKustomization(
  { client, fixture }: FixtureRun,
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

/** Removes fields that are `null` in a fixture, by which a fixture leaves out a default. */
function withoutNulls(spec: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== null));
}

export async function requestReconcile(run: FixtureRun, name: string): Promise<void> {
  const { client, fixture, requests } = run;
  const before = Number(requests.get(name)?.replace('request-', '') ?? 0);
  const value = `request-${before + 1}`;
  requests.set(name, value);
  const annotations = { [RECONCILE_REQUEST]: value };
  const ref = { namespace: fixture.namespace, name };
  const how = { kind: 'merge', fieldManager: 'flux' } as const;
  await client.patch(Kustomization, ref, { metadata: { annotations } }, how);
}

/** Waits until the Kustomization is ready, has failed for a reason, or is done, with the last commit and request. */
export async function waitFor(run: FixtureRun, step: StepOf<'wait'>): Promise<void> {
  const { client, fixture } = run;
  const { name = DEFAULT_NAME, wait: wanted, message } = step;
  const ref = { namespace: fixture.namespace, name };
  await until(
    async () => {
      const object = await client.get<Kustomization>(Kustomization, ref);
      const isThere = isAsWanted(run, object, wanted);
      const ready = findCondition(object.status?.conditions, READY);
      if (!isThere || (message !== undefined && !ready?.message.includes(message))) {
        throw new Error(JSON.stringify(object.status));
      }
      return true;
    },
    { ...WAIT, message: `${name} to be ${wanted}` },
  );
}

function isAsWanted(run: FixtureRun, object: Kustomization, wanted: string): boolean {
  if (wanted === 'ready') return isReady(run, object);
  if (wanted !== 'done') return hasFailed(run, object, wanted);
  const ready = findCondition(object.status?.conditions, READY);
  return isReady(run, object) || hasFailed(run, object, ready?.reason ?? '');
}

function isReady(run: FixtureRun, object: Kustomization): boolean {
  const { status, metadata } = object;
  return (
    findCondition(status?.conditions, READY)?.status === 'True' &&
    status?.observedGeneration === metadata.generation &&
    isRevision(run, object, status?.lastAppliedRevision) &&
    isAnswered(run, object)
  );
}

function hasFailed(run: FixtureRun, object: Kustomization, reason: string): boolean {
  const { status, metadata } = object;
  const ready = findCondition(status?.conditions, READY);
  return (
    ready?.status === 'False' &&
    ready.reason === reason &&
    ready.observedGeneration === metadata.generation &&
    (BEFORE_ATTEMPT.has(reason) || isRevision(run, object, status?.lastAttemptedRevision)) &&
    isAnswered(run, object)
  );
}

/**
 * Whether this is the revision of the last commit; for a source that the fixture makes no commits to, whether it has
 * any revision.
 */
function isRevision(
  { commits, fixture }: FixtureRun,
  { spec }: Kustomization,
  revision: string | undefined,
): boolean {
  const { kind, name, namespace = fixture.namespace } = spec.sourceRef;
  const isOurs = kind === 'GitRepository' && namespace === fixture.namespace;
  const commit = isOurs ? commits.get(name) : undefined;
  return commit === undefined ? revision !== undefined : revision === `main@sha1:${commit}`;
}

function isAnswered({ requests }: FixtureRun, { metadata, status }: Kustomization): boolean {
  const request = requests.get(metadata.name);
  return request === undefined || status?.lastHandledReconcileAt === request;
}
