import { isTimeout } from '@weir/async';
import { OciError } from './errors.ts';

/** The error for an answer that ended too early. */
export function interrupted(what: string, signal: AbortSignal, cause: unknown): OciError {
  if (signal.aborted) return aborted(what, signal);
  return new OciError('Truncated', `${what}: the connection broke before the answer was whole`, {
    cause,
  });
}

/** The error of a request that a signal has ended. */
export function aborted(what: string, signal: AbortSignal): OciError {
  const cause: unknown = signal.reason;
  return isTimeout(cause)
    ? new OciError('Timeout', `${what}: context deadline exceeded`, { cause })
    : new OciError('Aborted', `${what}: aborted`, { cause });
}
