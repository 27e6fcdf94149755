import { OciError } from '@weir/oci';
import { Failure, messageOf } from '@weir/reconcile';

/** The shortest time after which a registry that asked for a pause is asked again, in ms. */
const LEAST_PAUSE_MS = 1_000;

/**
 * A failure of what was asked of a registry. One that says when to come again is asked then. What was aborted stays what it
 * is: nobody waits for it any more.
 */
export function registryFailure(reason: string, what: string, cause: unknown): unknown {
  if (cause instanceof Failure) return cause;
  if (cause instanceof OciError && cause.reason === 'Aborted') return cause;
  const retryAfterMs = cause instanceof OciError ? cause.retryAfterMs : undefined;
  const message = `${what}: ${messageOf(cause)}`;
  if (retryAfterMs === undefined) return new Failure(reason, message, { cause });
  return new Failure(reason, message, { cause, retryMs: Math.max(retryAfterMs, LEAST_PAUSE_MS) });
}
