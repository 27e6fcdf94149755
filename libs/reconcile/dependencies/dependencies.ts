// `spec.dependsOn`: waits for other objects to be ready before an object is reconciled.
import {
  type DependencyReference,
  findCondition,
  type Kind,
  READY,
  Reason,
  resolveReference,
} from '@weir/api';
import { type KubeObject, objectKey } from '@weir/kube';
import type { Evaluation } from '@weir/render';
import { Failure, type FailureOptions } from '../failure.ts';
import type { Waiters } from '../waiters.ts';
import { type ForeignRules, type ForeignState, readForeign } from './foreign.ts';
import { describeLoop, findLoop } from './loops.ts';
import { type Dependent, foreignReference } from './references.ts';
import type { DependencyWatches } from './watches.ts';

export interface DependencyRules<T extends Dependent> {
  kind: Pick<Kind, 'kind' | 'plural' | 'group'>;
  find(key: string): T | undefined;
  /** Evaluates a `readyExpr` about a dependency. */
  isReady(expression: string, dependency: KubeObject): Promise<Evaluation>;
  /** A dependency with a `readyExpr` has to be ready by the usual rules too (AdditiveCELDependencyCheck). */
  additive: boolean;
  /** The beginning of the message about a dependency that doesn't exist; the API server's message follows. */
  missing(key: string): string;
  /** Whether a ready dependency is ready for this run too, for example for its revision. */
  isUpToDate?(dependency: T): boolean;
  /** How objects of other kinds are read. */
  foreign: Pick<ForeignRules, 'client' | 'status'>;
}

export interface DependencyWait {
  waiters: Pick<Waiters, 'forDependency' | 'forGroup' | 'done'>;
  watches: Pick<DependencyWatches, 'wait' | 'done'>;
  /** The time after which a dependency is checked again when no event about it came. Milliseconds. */
  retryMs: number;
  /** References stay within the namespace, and expressions can't read objects of another one. */
  noCrossNamespaceRefs: boolean;
  /** The event about a wait that continues. */
  event(message: string): NonNullable<FailureOptions['event']>;
}

/**
 * The step that waits for `spec.dependsOn`. Fails with DependencyNotReady; a change of a dependency then starts a run.
 * Fails with AccessDenied and InvalidCELExpression until the spec changes.
 */
export async function requireDependencies<T extends Dependent>(
  object: T,
  rules: DependencyRules<T>,
  { waiters, watches, retryMs, noCrossNamespaceRefs, event }: DependencyWait,
): Promise<void> {
  const key = objectKey(object);
  if ((object.spec.dependsOn ?? []).length === 0) {
    watches.done(key);
    return;
  }
  const refused = noCrossNamespaceRefs ? refusedExpression(object, rules.kind) : undefined;
  if (refused !== undefined) throw new Failure(Reason.AccessDenied, refused, { stalled: true });
  // This comes before any dependency is read, so that no change of one is missed.
  waiters.forDependency(key);
  const { message, target, missingGroup } = await unreadyDependency(object, rules);
  if (message === undefined) {
    waiters.done(key);
    watches.done(key);
    return;
  }
  watches.wait(key, rules.foreign.client, target === undefined ? [] : [target]);
  if (missingGroup !== undefined) waiters.forGroup(key, missingGroup);
  const loop = findLoop(object, rules.find);
  if (loop === undefined) {
    const options = { retryMs, brief: true, event: event(message) };
    throw new Failure(Reason.DependencyNotReady, message, options);
  }
  // A loop is a mistake of the user, so its event names it: the wait would never end.
  const named = `${message}: ${describeLoop(loop)}`;
  const told = { severity: 'error', message: named } as const;
  throw new Failure(Reason.DependencyNotReady, named, { retryMs, event: told });
}

/**
 * Why an expression of `dependsOn` must not be evaluated when references stay within their namespace: its result and
 * its errors reveal fields of the other object. Undefined when all may be evaluated.
 */
export function refusedExpression(
  object: Dependent,
  { kind }: Pick<Kind, 'kind'>,
): string | undefined {
  for (const reference of object.spec.dependsOn ?? []) {
    const { namespace, name } = resolveReference(reference, object);
    if ((reference.readyExpr ?? '') === '' || namespace === object.metadata.namespace) continue;
    return `can't evaluate readyExpr over '${reference.kind ?? kind}/${namespace}/${name}', cross-namespace references have been blocked`;
  }
  return undefined;
}

/**
 * Why the first dependency that isn't ready isn't, with Flux's messages; empty when all are. A dependency is ready when
 * its `readyExpr` says so. Without one, a dependency of the same kind is ready when its Ready condition is True for its
 * present generation and it is up to date, and one of another kind is assessed by kstatus. With `ready: false` it only
 * has to exist.
 */
export async function unreadyDependency<T extends Dependent>(
  object: T,
  rules: DependencyRules<T>,
): Promise<ForeignState> {
  for (const reference of object.spec.dependsOn ?? []) {
    const foreign = foreignReference(reference, object);
    const { isReady, additive } = rules;
    const state =
      foreign === undefined
        ? { message: await unreadyOwn(object, reference, rules) }
        : await readForeign(foreign, reference, { ...rules.foreign, isReady, additive });
    if (state.message !== undefined) return { ...state, message: state.message };
  }
  return {};
}

/** The same for a dependency of the object's own kind. */
async function unreadyOwn<T extends Dependent>(
  object: T,
  reference: DependencyReference,
  rules: DependencyRules<T>,
): Promise<string | undefined> {
  const { plural, group } = rules.kind;
  const key = objectKey(resolveReference(reference, object));
  const dependency = rules.find(key);
  if (dependency === undefined) {
    return `${rules.missing(key)}: ${plural}.${group} "${reference.name}" not found`;
  }
  const { readyExpr = '', ready = true } = reference;
  if (readyExpr !== '') {
    const { value, error } = await rules.isReady(readyExpr, dependency);
    if (error !== undefined) return error;
    if (!value) return `dependency '${key}' is not ready according to readyExpr eval`;
    if (!rules.additive) return undefined;
  }
  if (!ready) return undefined;
  if (!isReadyNow(dependency)) return `dependency '${key}' is not ready`;
  const isOutdated = rules.isUpToDate?.(dependency) === false;
  return isOutdated ? `dependency '${key}' revision is not up to date` : undefined;
}

function isReadyNow({ metadata, status }: Dependent): boolean {
  return (
    metadata.generation === status?.observedGeneration &&
    findCondition(status?.conditions, READY)?.status === 'True'
  );
}
