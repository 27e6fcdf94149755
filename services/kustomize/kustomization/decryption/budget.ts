// Limits of what one build may ask of key management services: whoever writes into the repository decides how often
// which server is asked.
import { KmsError } from '@weir/kms';
import type { UnwrapKey, WrappedKey } from '@weir/render';

export interface Budget {
  /** Calls of one build. */
  maxCalls: number;
  /** How long one key may take. Milliseconds. */
  callMs: number;
  /** How long all of them may take together. Milliseconds. */
  totalMs: number;
}

/** As many calls as files and values that a build may decrypt: each may have a data key of its own. */
const DEFAULT: Budget = { maxCalls: 1_000, callMs: 15_000, totalMs: 60_000 };

/**
 * Limits the number of calls and their time. A service that did not answer in time is not asked again in the same
 * build.
 */
export function withinBudget(unwrap: UnwrapKey, budget: Partial<Budget> = {}): UnwrapKey {
  const { maxCalls, callMs, totalMs } = { ...DEFAULT, ...budget };
  const silent = new Set<string>();
  let calls = 0;
  let leftMs = totalMs;
  return async (key, signal) => {
    calls += 1;
    if (calls > maxCalls) {
      throw new KmsError(`the build asks key management services more than ${maxCalls} times`);
    }
    // Timers are exact to a millisecond.
    if (leftMs < 1) {
      throw new KmsError(`key management services took more than ${totalMs / 1000} s of the build`);
    }
    const service = serviceOf(key);
    if (silent.has(service)) {
      throw new KmsError('the key management service did not answer in time before');
    }
    const begun = performance.now();
    const limit = AbortSignal.timeout(Math.ceil(Math.min(callMs, leftMs)));
    try {
      return await unwrap(key, AbortSignal.any([signal, limit]));
    } catch (error) {
      if (limit.aborted) silent.add(service);
      throw error;
    } finally {
      leftMs -= performance.now() - begun;
    }
  };
}

/** The service that unwraps a key: a server, or a region of a cloud. */
function serviceOf({ kind, address = '', name }: WrappedKey): string {
  return JSON.stringify([kind, address, kind === 'aws' ? name.split(':')[3] : '']);
}
