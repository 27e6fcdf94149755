// Turns errors of the object store or of the disk into failures of the Bucket, with Flux's messages.

import { Reason } from '@weir/api';
import { ArtifactError } from '@weir/artifact';
import { isTimeout } from '@weir/async';
import { ObjectStoreError } from '@weir/objectstore';
import type { Failure } from '@weir/reconcile';
import { fetchFailure } from '../shared/snapshots.ts';

export interface OperationContext {
  bucketName: string;
  /** The time limit of the operation, for the message. Milliseconds. */
  timeoutMs: number;
}

/**
 * Turns an error of the object store or of the disk into a Failure whose message begins with `what`; any other error is
 * returned as it is.
 */
export function operationFailure(
  what: string,
  cause: unknown,
  { bucketName, timeoutMs }: OperationContext,
): Failure | unknown {
  if (cause instanceof ArtifactError) {
    const message = `${what}: ${cause.message}`;
    return fetchFailure(Reason.BucketOperationFailed, message, cause);
  }
  if (!(cause instanceof ObjectStoreError)) return cause;
  const { reason, message } = cause;
  if (reason === 'BucketMissing') {
    return fetchFailure(Reason.BucketOperationFailed, `bucket '${bucketName}' not found`, cause);
  }
  const isLate = reason === 'Aborted' && isTimeout(cause.cause);
  const why = isLate ? `no answer within ${timeoutMs / 1000}s (spec.timeout)` : message;
  return fetchFailure(Reason.BucketOperationFailed, `${what}: ${why}`, cause);
}
