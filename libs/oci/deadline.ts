import { OciError } from './errors.ts';

/** What it means that an answer ended before its end. */
export function interrupted(what: string, signal: AbortSignal, cause: unknown): OciError {
  if (signal.aborted) return aborted(what, signal);
  return new OciError('Truncated', `${what}: the connection broke before the answer was whole`, {
    cause,
  });
}

/** A signal made by `AbortSignal.timeout` means that time is over; any other that nobody waits any more. */
export function aborted(what: string, signal: AbortSignal): OciError {
  const cause: unknown = signal.reason;
  const isTimeout = cause instanceof Error && cause.name === 'TimeoutError';
  return isTimeout
    ? new OciError('Timeout', `${what}: context deadline exceeded`, { cause })
    : new OciError('Aborted', `${what}: aborted`, { cause });
}
