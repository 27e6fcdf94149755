// Whether a run would find everything as the last one left it: what the build looked at is as it was, so is
// everything else that went into it, and nobody touched what was applied. Then there is nothing to build.
import {
  type Artifact,
  findCondition,
  isRequested,
  type Kustomization,
  READY,
  Reason,
} from '@weir/api';
import { objectKey } from '@weir/kube';
import { traceHolds } from '@weir/render';
import type { Basis } from './last-builds.ts';
import { DRIFT, type Environment } from '../environment.ts';
import type { Run } from '../run.ts';
import { intervalMs } from '../timing.ts';
import { gatherVariables, VariablesError, variablesDigest } from '../build/variables.ts';

/** What may have woken a run that finds nothing to do: who asks for a run wants the cluster looked at. */
const PASSIVE: ReadonlySet<string> = new Set([
  'added',
  'artifact',
  'dependency',
  'gained',
  'interval',
]);
/** What may have woken a run for which watches can stand in for a look at each object. */
const TRUSTING: ReadonlySet<string> = new Set([...PASSIVE, DRIFT, 'variables']);
/** Causes for which the cluster, and not the artifact alone, may have changed. */
const LOOKING: readonly string[] = ['added', 'gained', 'interval'];

/**
 * However exact the watches are, every object is compared by a dry-run this often, in milliseconds: what a
 * webhook would make of it today, or a write in our name within the second of our own, shows in nothing else.
 */
const COMPARE_MS = 3_600_000;

/**
 * What the Kustomization was applied from, if the artifact gives exactly that again and its objects surely
 * are as they were. Undefined when it has to be built to be sure.
 */
export async function unaffectedBasis(run: Run, artifact: Artifact): Promise<Basis | undefined> {
  const { env, object, ctx } = run;
  const basis = trustedBasis(run);
  if (basis === undefined || !isAtRest(run, basis)) return undefined;
  if (![...ctx.causes].every((cause) => PASSIVE.has(cause))) return undefined;
  if (!env.drift.allIntact(objectKey(object))) return undefined;
  if (looksAtCluster(run, basis) && !basis.watched) return undefined;
  if (!(await givesTheSame(env, basis, artifact))) return undefined;
  return (await hasSameVariables(run, basis)) ? basis : undefined;
}

/** What the watches can be compared with, for a run that may rely on them. */
export function trustedBasis({ env, object, ctx }: Run): Basis | undefined {
  const basis = env.bases.recall(object);
  if (basis === undefined || isRequested(object, object.status?.lastHandledReconcileAt)) return;
  if (![...ctx.causes].every((cause) => TRUSTING.has(cause))) return;
  const isDue = ctx.causes.has('interval') && performance.now() - basis.comparedAt > COMPARE_MS;
  return isDue ? undefined : basis;
}

/** Whether more is asked than what the artifact changes. */
export function looksAtCluster(run: Run, basis: Basis): boolean {
  return LOOKING.some((cause) => run.ctx.causes.has(cause)) || msUntilLook(run, basis) === 0;
}

/** Those that the artifact changes something for go first: the others need next to nothing. */
export async function affectedFirst(
  env: Pick<Environment, 'bases' | 'manifests'>,
  objects: readonly Kustomization[],
  artifact: Artifact,
): Promise<Kustomization[]> {
  if (objects.length < 2) return [...objects];
  const index = await env.manifests(artifact.digest);
  const isKept = (object: Kustomization) => {
    const basis = env.bases.recall(object);
    return index !== undefined && basis !== undefined && traceHolds(basis.trace, index);
  };
  const { affected = [], kept = [] } = Object.groupBy(objects, (object) =>
    isKept(object) ? 'kept' : 'affected',
  );
  return [...affected, ...kept];
}

/** Milliseconds until the interval asks for a look at the cluster, whatever the artifacts say. */
export function msUntilLook({ object }: Pick<Run, 'object'>, { lookedAt }: Basis): number {
  return Math.max(0, lookedAt + intervalMs(object) - performance.now());
}

/** Nothing happened since that revision was applied, but that the object waited for its dependencies. */
function isAtRest({ object }: Run, { revision }: Basis): boolean {
  const { metadata, status } = object;
  const ready = findCondition(status?.conditions, READY);
  return (
    (ready?.status === 'True' || ready?.reason === Reason.DependencyNotReady) &&
    status?.observedGeneration === metadata.generation &&
    status?.lastAppliedRevision === revision
  );
}

async function givesTheSame(
  { manifests }: Environment,
  { artifact, trace }: Basis,
  { digest }: Artifact,
): Promise<boolean> {
  if (artifact === digest) return true;
  const index = await manifests(digest);
  return index !== undefined && traceHolds(trace, index);
}

async function hasSameVariables({ env, object }: Run, { variables }: Basis): Promise<boolean> {
  try {
    const strict = env.settings.gates.StrictPostBuildSubstitutions;
    const substitute = await gatherVariables(env.client, object, { strict });
    return variablesDigest(env.digest, substitute) === variables;
  } catch (error) {
    if (error instanceof VariablesError) return false;
    throw error;
  }
}
