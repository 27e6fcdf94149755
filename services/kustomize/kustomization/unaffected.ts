// Whether a new artifact changes nothing for a Kustomization: what its build looked at is as it was, and so
// is everything else that went into it. Then neither a build nor a look at the cluster would find anything.
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
import type { Basis } from './basis.ts';
import type { Environment } from './environment.ts';
import type { Run } from './run.ts';
import { intervalMs } from './timing.ts';
import { gatherVariables, VariablesError } from './variables.ts';

/** What may have woken the run: all else is a reason to look at the cluster. */
const CAUSES: ReadonlySet<string> = new Set(['artifact', 'dependency']);

/**
 * What the Kustomization was applied from, if the artifact gives exactly that again, nobody asked for more
 * than the artifact, and its objects are watched for drift. Undefined when it has to be built to be sure.
 */
export async function unaffectedBasis(run: Run, artifact: Artifact): Promise<Basis | undefined> {
  const { env, object, ctx } = run;
  const basis = env.bases.recall(object);
  if (basis === undefined || !isAtRest(run, basis)) return undefined;
  if (![...ctx.causes].every((cause) => CAUSES.has(cause))) return undefined;
  if (msUntilCompared(run, basis) === 0 || !env.drift.tracks(objectKey(object))) return undefined;
  const index = await env.manifests(artifact.digest);
  if (index === undefined || !traceHolds(basis.trace, index)) return undefined;
  return (await hasSameVariables(run, basis)) ? basis : undefined;
}

/** Those that the artifact changes something for go first: the others need next to nothing. */
export async function affectedFirst(
  { bases, manifests }: Pick<Environment, 'bases' | 'manifests'>,
  objects: readonly Kustomization[],
  artifact: Artifact,
): Promise<Kustomization[]> {
  if (objects.length < 2) return [...objects];
  const index = await manifests(artifact.digest);
  const isKept = (object: Kustomization) => {
    const basis = bases.recall(object);
    return index !== undefined && basis !== undefined && traceHolds(basis.trace, index);
  };
  const { affected = [], kept = [] } = Object.groupBy(objects, (object) =>
    isKept(object) ? 'kept' : 'affected',
  );
  return [...affected, ...kept];
}

/** Milliseconds until the interval asks for a build and a comparison, whatever the artifacts say. */
export function msUntilCompared({ object }: Pick<Run, 'object'>, { comparedAt }: Basis): number {
  return Math.max(0, comparedAt + intervalMs(object) - performance.now());
}

/** Nothing happened since that revision was applied, but that the object waited for its dependencies. */
function isAtRest({ object }: Run, { revision }: Basis): boolean {
  const { metadata, status } = object;
  const ready = findCondition(status?.conditions, READY);
  return (
    (ready?.status === 'True' || ready?.reason === Reason.DependencyNotReady) &&
    status?.observedGeneration === metadata.generation &&
    status?.lastAppliedRevision === revision &&
    !isRequested(object, status?.lastHandledReconcileAt)
  );
}

async function hasSameVariables({ env, object }: Run, { variables }: Basis): Promise<boolean> {
  try {
    const strict = env.settings.gates.StrictPostBuildSubstitutions;
    const substitute = await gatherVariables(env.client, object, { strict });
    return env.bases.fingerprint(substitute) === variables;
  } catch (error) {
    if (error instanceof VariablesError) return false;
    throw error;
  }
}
