// `spec.dependsOn`: what has to be ready before an object is reconciled.
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
import { type ForeignLook, type ForeignRules, lookAtForeign } from './foreign.ts';
import { describeLoop, findLoop } from './loops.ts';
import { type Dependent, foreignReference } from './references.ts';
import type { DependencyWatches } from './watches.ts';

export interface DependencyRules<T extends Dependent> {
  kind: Pick<Kind, 'kind' | 'plural' | 'group'>;
  find(key: string): T | undefined;
  /** Answers a `readyExpr` about a dependency. */
  isReady(expression: string, dependency: KubeObject): Promise<Evaluation>;
  /** A dependency with a `readyExpr` has to be ready by the usual rules too (AdditiveCELDependencyCheck). */
  additive: boolean;
  /** What is said before the API server's words of a dependency that doesn't exist. */
  missing(key: string): string;
  /** Whether a ready dependency is ready for this run too, such as for its revision. */
  isUpToDate?(dependency: T): boolean;
  /** How objects of other kinds are read. */
  foreign: Pick<ForeignRules, 'client' | 'status'>;
}

export interface DependencyWait {
  waiters: Pick<Waiters, 'forDependency' | 'forGroup' | 'done'>;
  watches: Pick<DependencyWatches, 'wait' | 'done'>;
  /** When a dependency is looked at again that did not change in the meantime. Milliseconds. */
  retryMs: number;
  /** References stay within the namespace, and expressions see nothing of another one. */
  noCrossNamespaceRefs: boolean;
  /** The event of a wait that isn't over with this look. */
  event(message: string): NonNullable<FailureOptions['event']>;
}

/**
 * The step that waits for `spec.dependsOn`. Fails with DependencyNotReady; a change of a dependency then wakes the
 * object. Fails until the spec changes with AccessDenied and InvalidCELExpression.
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
  // Before any dependency is looked at, so that no change of one is missed.
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
  // A loop is a mistake, and its event says so: no wait would end it.
  const named = `${message}: ${describeLoop(loop)}`;
  const told = { severity: 'error', message: named } as const;
  throw new Failure(Reason.DependencyNotReady, named, { retryMs, event: told });
}

/**
 * Why an expression of `dependsOn` may not be evaluated where references stay within their namespace: the result and
 * the errors of an expression say what the fields of the other object hold. Undefined when all may.
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
 * Why the first dependency that isn't ready isn't, in Flux's words; empty when all are. A dependency is ready when its
 * `readyExpr` says so; without one, when its Ready condition is True for its present generation and it is up to date, or
 * by kstatus where it is of another kind. With `ready: false` it only has to be there.
 */
export async function unreadyDependency<T extends Dependent>(
  object: T,
  rules: DependencyRules<T>,
): Promise<ForeignLook> {
  for (const reference of object.spec.dependsOn ?? []) {
    const foreign = foreignReference(reference, object);
    const { isReady, additive } = rules;
    const look =
      foreign === undefined
        ? { message: await unreadyOwn(object, reference, rules) }
        : await lookAtForeign(foreign, reference, { ...rules.foreign, isReady, additive });
    if (look.message !== undefined) return { ...look, message: look.message };
  }
  return {};
}

/** The same of a dependency of the object's own kind. */
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
