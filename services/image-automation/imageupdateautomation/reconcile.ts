// Reconciles one ImageUpdateAutomation, from top to bottom: reads the choices of the policies and the repository, and
// pushes a commit if they differ.
import { type ImageUpdateAutomation, Reason, resolveReference } from '@weir/api';
import { orAborted } from '@weir/async';
import type { Outcome, ReconcileContext } from '@weir/controller';
import { GitError } from '@weir/git';
import { objectKey } from '@weir/kube';
import { Failure, findCause } from '@weir/reconcile';
import type { Remote } from '@weir/sources/git';
import type { AutomationEnvironment } from './environment.ts';
import { areSame, chosenImages } from './policies.ts';
import { remoteOf } from './remote.ts';
import { beginRun, fail, succeed } from './run.ts';
import { readSigner } from './signing.ts';
import { sync } from './sync.ts';
import { invalidSource, sourceFailure, targetOf } from './target.ts';

/** Reconciles one automation once. Steps that are done already are only checked. */
export async function reconcile(
  found: ImageUpdateAutomation,
  context: ReconcileContext,
  environment: AutomationEnvironment,
): Promise<Outcome> {
  const run = await beginRun(found, context, environment);
  if (run === undefined) return {};
  const { object, signal } = run;
  let remote: Remote | undefined;
  try {
    const chosen = chosenImages(object, environment.policies.list());
    const source = sourceOf(object, environment);
    const target = targetOf(object, source);
    const access = await context.waiting(() =>
      orAborted(accessOf(object, source, environment, signal), signal),
    );
    remote = access.remote;
    const isSame = areSame(object.status?.observedPolicies, chosen);
    const inputs = {
      ...{ ...access, object, target, signal },
      chosen,
      // As in Flux, the observed revision doesn't cover a push branch.
      isChanged: !isSame || target.switchesBranch || target.alsoPush !== undefined,
      isQuick: !isSame && isOnlyPolicy(context) && !object.spec.git?.respectReverts,
      mayHavePushed: context.attempt > 1 || NEW_HERE.some((cause) => context.causes.has(cause)),
    };
    // A push is a write, so ownership is checked first.
    context.guard();
    const { pullRequest } = object.spec.git ?? {};
    const proposing = pullRequest && { spec: pullRequest };
    const synced = await context.waiting(() =>
      orAborted(sync(inputs, environment, proposing), signal),
    );
    return await succeed(run, synced, chosen);
  } catch (error) {
    if (remote?.app && findCause(error, isRefusal)) environment.tokens.forget(remote.app);
    return await fail(run, error);
  }
}

/** @throws Failure AccessDenied or InvalidSourceConfiguration (stalled), SourceManagerFailed */
function sourceOf(object: ImageUpdateAutomation, environment: AutomationEnvironment) {
  const { sourceRef, git } = object.spec;
  const key = objectKey(resolveReference(sourceRef, object));
  if (sourceRef.kind !== 'GitRepository') {
    throw invalidSource(`source kind '${sourceRef.kind}' not supported`);
  }
  if (git === undefined) {
    throw invalidSource("source kind 'GitRepository' necessitates field .spec.git");
  }
  const isOther = sourceRef.namespace && sourceRef.namespace !== object.metadata.namespace;
  if (environment.noCrossNamespaceRefs && isOther) {
    const message = `can't access 'GitRepository/${key}', cross-namespace references have been blocked`;
    throw new Failure(Reason.AccessDenied, message, { stalled: true });
  }
  const source = environment.sources.get(key);
  if (source !== undefined) return source;
  throw sourceFailure(
    `referenced git repository does not exist: GitRepository.source.toolkit.fluxcd.io "${sourceRef.name}" not found`,
  );
}

/** Reads what is needed to fetch and push, in Flux's order. */
async function accessOf(
  object: ImageUpdateAutomation,
  source: Parameters<typeof remoteOf>[0],
  environment: AutomationEnvironment,
  signal: AbortSignal,
) {
  const remote = await remoteOf(source, object, environment, signal);
  return { remote, sign: await readSigner(object, { ...environment, signal }) };
}

/** The causes of a run in which a process may continue what another one has begun. */
const NEW_HERE = ['added', 'gained'];

function isOnlyPolicy({ causes, attempt }: ReconcileContext): boolean {
  return attempt === 1 && [...causes].every((cause) => cause === POLICY_CHANGED);
}

/** The cause of a run because a policy chose another image. */
export const POLICY_CHANGED = 'policy';

function isRefusal(cause: unknown): boolean {
  return cause instanceof GitError && cause.reason === 'AuthenticationFailed';
}
