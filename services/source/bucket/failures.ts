// What an object store refused, or the disk, as a failure of the Bucket, in the words of Flux.

import { Reason } from '@weir/api';
import { ArtifactError } from '@weir/artifact';
import { isTimeout } from '@weir/async';
import { ObjectStoreError } from '@weir/objectstore';
import type { Failure } from '@weir/reconcile';
import { fetchFailure } from '../shared/snapshots.ts';

export interface OperationContext {
  bucketName: string;
  /** Milliseconds for the operation. */
  timeoutMs: number;
}

/** An error of the object store or of the disk as a Failure that begins with `what`; any other error is given back. */
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
