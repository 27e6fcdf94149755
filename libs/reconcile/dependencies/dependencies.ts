// `spec.dependsOn`: what has to be ready before an object is reconciled.
import { findCondition, type Kind, READY, Reason, resolveReference } from '@weir/api';
import { objectKey } from '@weir/kube';
import type { Evaluation } from '@weir/render';
import { Failure, type FailureOptions } from '../failure.ts';
import type { Waiters } from '../waiters.ts';
import { describeLoop, findLoop } from './loops.ts';
import type { Dependent } from './references.ts';

export interface DependencyRules<T extends Dependent> {
  kind: Pick<Kind, 'kind' | 'plural' | 'group'>;
  find(key: string): T | undefined;
  /** Answers a `readyExpr` about a dependency. */
  isReady(expression: string, dependency: T): Promise<Evaluation>;
  /** A dependency with a `readyExpr` has to be ready by the usual rules too (AdditiveCELDependencyCheck). */
  additive: boolean;
  /** What is said before the API server's words of a dependency that doesn't exist. */
  missing(key: string): string;
  /** Whether a ready dependency is ready for this run too, such as for its revision. */
  isUpToDate?(dependency: T): boolean;
}

export interface DependencyWait {
  waiters: Pick<Waiters, 'forDependency' | 'done'>;
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
  { waiters, retryMs, noCrossNamespaceRefs, event }: DependencyWait,
): Promise<void> {
  if ((object.spec.dependsOn ?? []).length === 0) return;
  const refused = noCrossNamespaceRefs ? refusedExpression(object, rules.kind) : undefined;
  if (refused !== undefined) throw new Failure(Reason.AccessDenied, refused, { stalled: true });
  const key = objectKey(object);
  // Before any dependency is looked at, so that no change of one is missed.
  waiters.forDependency(key);
  const message = await unreadyDependency(object, rules);
  if (message === undefined) {
    waiters.done(key);
    return;
  }
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
    return `can't evaluate readyExpr over '${kind}/${namespace}/${name}', cross-namespace references have been blocked`;
  }
  return undefined;
}

/**
 * Why a dependency isn't ready yet, in Flux's words; undefined when all are. A dependency is ready when
 * its `readyExpr` says so; without one, when its Ready condition is True for its present generation and it is up to date.
 */
export async function unreadyDependency<T extends Dependent>(
  object: T,
  rules: DependencyRules<T>,
): Promise<string | undefined> {
  const { plural, group } = rules.kind;
  for (const reference of object.spec.dependsOn ?? []) {
    const key = objectKey(resolveReference(reference, object));
    const dependency = rules.find(key);
    if (dependency === undefined) {
      return `${rules.missing(key)}: ${plural}.${group} "${reference.name}" not found`;
    }
    const { readyExpr = '' } = reference;
    if (readyExpr !== '') {
      const { value, error } = await rules.isReady(readyExpr, dependency);
      if (error !== undefined) return error;
      if (!value) return `dependency '${key}' is not ready according to readyExpr eval`;
      if (!rules.additive) continue;
    }
    if (!isReadyNow(dependency)) return `dependency '${key}' is not ready`;
    if (rules.isUpToDate?.(dependency) === false) {
      return `dependency '${key}' revision is not up to date`;
    }
  }
  return undefined;
}

function isReadyNow({ metadata, status }: Dependent): boolean {
  return (
    metadata.generation === status?.observedGeneration &&
    findCondition(status?.conditions, READY)?.status === 'True'
  );
}
