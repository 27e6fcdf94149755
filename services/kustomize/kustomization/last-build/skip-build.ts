// Decides whether a build can be skipped: the files that the last build read are the same, all its other inputs are the
// same, and nobody has changed what was applied.
import {
  type Artifact,
  findCondition,
  isRequested,
  type Kustomization,
  READY,
  Reason,
} from '@weir/api';
import { KUBECONFIG } from '@weir/clusters';
import { objectKey } from '@weir/kube';
import { DRIFT, Failure, intervalMs } from '@weir/reconcile';
import { traceHolds } from '@weir/render';
import type { FileIndexes } from '../build/file-index.ts';
import { inputsDigest } from '../build/inputs.ts';
import { gatherVariables, VariablesError } from '../build/variables.ts';
import { readCredentials } from '../decryption/credentials.ts';
import type { Environment } from '../environment.ts';
import type { ClusterRun, Run } from '../run.ts';
import type { LastBuild } from './last-builds.ts';

/**
 * Causes of a run for which a build may be skipped. A requested run is not among them, because the user wants the
 * cluster checked.
 */
const PASSIVE: ReadonlySet<string> = new Set([
  'added',
  'artifact',
  'dependency',
  'gained',
  'interval',
  KUBECONFIG,
]);
/** Causes of a run in which the watches replace a comparison of each object. */
const TRUSTING: ReadonlySet<string> = new Set([...PASSIVE, DRIFT, 'variables']);
/** Causes for which the cluster, and not the artifact alone, may have changed. */
const CLUSTER_CAUSES: readonly string[] = ['added', 'gained', 'interval'];

/**
 * Every object is compared by a dry-run at least this often, in milliseconds. The watches can't show what a webhook
 * would change today, nor a write by the same field manager within the same second as our own.
 */
const COMPARE_MS = 3_600_000;

/**
 * The last build, if the artifact gives exactly the same objects again and the objects are surely unchanged; else
 * undefined.
 */
export async function skippableBuild(
  run: ClusterRun,
  artifact: Artifact,
): Promise<LastBuild | undefined> {
  const { env, object, cluster, ctx } = run;
  const last = trustedBuild(run);
  if (last === undefined || !isAtRest(object, last)) return undefined;
  if (![...ctx.causes].every((cause) => PASSIVE.has(cause))) return undefined;
  if (!cluster.drift.allIntact(objectKey(object))) return undefined;
  if (checksCluster(run, last) && !last.watched) return undefined;
  if (!(await givesTheSame(env.fileIndexes, last, artifact))) return undefined;
  return (await hasSameInputs(run, last)) ? last : undefined;
}

/** The last build, for a run that may rely on the watches; else undefined. */
export function trustedBuild({ env, object, ctx }: Run): LastBuild | undefined {
  const last = env.lastBuilds.recall(object);
  if (last === undefined || isRequested(object, object.status?.lastHandledReconcileAt)) return;
  if (![...ctx.causes].every((cause) => TRUSTING.has(cause))) return;
  const isDue = ctx.causes.has('interval') && performance.now() - last.comparedAt > COMPARE_MS;
  return isDue ? undefined : last;
}

/** Whether the run also has to check the cluster, and not only what the artifact changes. */
export function checksCluster(run: Run, last: LastBuild): boolean {
  return CLUSTER_CAUSES.some((cause) => run.ctx.causes.has(cause)) || msUntilCheck(run, last) === 0;
}

/** Kustomizations for which the artifact changes something run first; the others take next to no time. */
export async function changedFirst(
  env: Pick<Environment, 'lastBuilds' | 'fileIndexes'>,
  objects: readonly Kustomization[],
  artifact: Artifact,
): Promise<Kustomization[]> {
  if (objects.length < 2) return [...objects];
  const index = await env.fileIndexes(artifact.digest);
  const isUnchanged = (object: Kustomization) => {
    const last = env.lastBuilds.recall(object);
    return index !== undefined && last !== undefined && traceHolds(last.trace, index);
  };
  const { changed = [], unchanged = [] } = Object.groupBy(objects, (object) =>
    isUnchanged(object) ? 'unchanged' : 'changed',
  );
  return [...changed, ...unchanged];
}

/** Milliseconds until a check of the cluster is due because of the interval. */
export function msUntilCheck(
  { env, object }: Pick<Run, 'env' | 'object'>,
  { checkedAt }: LastBuild,
): number {
  return Math.max(
    0,
    checkedAt + intervalMs(object.spec.interval, env.settings.minIntervalMs) - performance.now(),
  );
}

/** Whether nothing but waiting for dependencies has happened since that revision was applied. */
function isAtRest({ metadata, status }: Kustomization, { revision }: LastBuild): boolean {
  const ready = findCondition(status?.conditions, READY);
  return (
    (ready?.status === 'True' || ready?.reason === Reason.DependencyNotReady) &&
    status?.observedGeneration === metadata.generation &&
    status?.lastAppliedRevision === revision
  );
}

async function givesTheSame(
  fileIndexes: FileIndexes,
  { artifact, trace }: LastBuild,
  { digest }: Artifact,
): Promise<boolean> {
  if (artifact === digest) return true;
  const index = await fileIndexes(digest);
  return index !== undefined && traceHolds(trace, index);
}

async function hasSameInputs({ env, object }: Run, { inputs }: LastBuild): Promise<boolean> {
  try {
    const strict = env.settings.gates.StrictPostBuildSubstitutions;
    const [substitute, credentials] = await Promise.all([
      gatherVariables(env.client, object, { strict }),
      readCredentials(env, object),
    ]);
    return inputsDigest(env.digest, { substitute, credentials }) === inputs;
  } catch (error) {
    // The build that follows fails for the same reason, and reports it.
    if (error instanceof VariablesError || error instanceof Failure) return false;
    throw error;
  }
}
