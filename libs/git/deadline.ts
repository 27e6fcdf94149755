import { GitError } from './errors.ts';

export interface Deadline {
  /** Aborts when the time is up or the caller's signal aborts. */
  signal: AbortSignal;
  /** Throws GitError Timeout or Aborted if that ended the operation. */
  check(doing: string): void;
  /** Call when the operation is over. */
  clear(): void;
}

/** A time limit in ms joined with a signal of the caller. */
export function startDeadline(timeoutMs: number, outer: AbortSignal | undefined): Deadline {
  const controller = new AbortController();
  const abort = () => controller.abort();
  let expired = false;
  const timer = setTimeout(() => {
    expired = true;
    abort();
  }, timeoutMs);
  if (outer?.aborted) abort();
  outer?.addEventListener('abort', abort, { once: true });
  return {
    signal: controller.signal,
    check(doing) {
      if (expired) {
        const limit = `no answer within ${timeoutMs / 1000}s`;
        throw new GitError('Timeout', `${doing}: context deadline exceeded: ${limit}`);
      }
      if (controller.signal.aborted) throw new GitError('Aborted', `${doing}: stopped`);
    },
    clear() {
      clearTimeout(timer);
      outer?.removeEventListener('abort', abort);
    },
  };
}
