import { OciError } from '@weir/oci';
import { Failure, messageOf } from '@weir/reconcile';

/** The shortest pause before a registry that asked for one is asked again, in ms. */
const LEAST_PAUSE_MS = 1_000;

/**
 * A failure of a request to a registry. If the registry says when to come again, the next run waits for that. An
 * aborted request stays as it is, because nobody waits for it any more.
 */
export function registryFailure(reason: string, what: string, cause: unknown): unknown {
  if (cause instanceof Failure) return cause;
  if (cause instanceof OciError && cause.reason === 'Aborted') return cause;
  const retryAfterMs = cause instanceof OciError ? cause.retryAfterMs : undefined;
  const message = `${what}: ${messageOf(cause)}`;
  if (retryAfterMs === undefined) return new Failure(reason, message, { cause });
  return new Failure(reason, message, { cause, retryMs: Math.max(retryAfterMs, LEAST_PAUSE_MS) });
}
