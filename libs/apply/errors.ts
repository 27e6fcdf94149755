// Failures of an apply, worded as Flux words them: users search for these texts.
import { ApiError, isApiError, isNotFound, type KubeObject } from '@weir/kube';
import type { ChangeSet } from './changes.ts';
import { type ObjectTarget, subjectOfObject } from './objects.ts';
import { withoutSecrets } from './secrecy.ts';

/** The API server refused the dry-run of an object. No object of its stage was written. */
export class DryRunError extends Error {
  override name = 'DryRunError';
  readonly reason = 'ReconciliationFailed';
  readonly object: KubeObject;

  constructor(object: KubeObject, failure: unknown) {
    const cause = discreet(object, failure);
    super(describeDryRun(object, cause), { cause });
    this.object = object;
  }
}

/** A namespaced object came without a namespace, and the Kustomization sets none. */
export class NamespaceMissingError extends Error {
  override name = 'NamespaceMissingError';
  readonly reason = 'ReconciliationFailed';

  constructor(object: KubeObject) {
    super(
      `${subjectOfObject(object)} namespace not specified: ` +
        'the server could not find the requested resource',
    );
  }
}

/** An apply ended before its last object. */
export class ApplyError extends Error {
  override name = 'ApplyError';
  readonly reason = 'ReconciliationFailed';
  /** What the stages before the failed one did. */
  readonly changes: ChangeSet;
  /** Every object for which a write was begun. It may exist now, whatever became of the write. */
  readonly touched: ObjectTarget[];

  constructor(cause: unknown, changes: ChangeSet, touched: ObjectTarget[]) {
    super(messageOf(cause), { cause });
    this.changes = changes;
    this.touched = touched;
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The same failure without values of a Secret, because failures go to logs. */
function discreet(object: KubeObject, failure: unknown): unknown {
  if (!isApiError(failure)) return failure;
  const message = withoutSecrets(object, failure.message);
  if (message === failure.message) return failure;
  const { status, reason, retryAfterMs } = failure;
  return new ApiError(message, {
    status,
    reason,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

function describeDryRun(object: KubeObject, cause: unknown): string {
  const subject = subjectOfObject(object);
  if (isNotFound(cause)) return `${subject} not found: ${messageOf(cause)}`;
  const reason = isApiError(cause) && cause.reason !== '' ? ` (${cause.reason})` : '';
  return `${subject} dry-run failed${reason}: ${messageOf(cause)}`;
}
