/**
 * Whether a signal with this reason aborted because its time was over, as one of `AbortSignal.timeout` does. With any other
 * reason nobody waits any more for what the signal ends.
 */
export function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError';
}
