import { Reason } from '@weir/api';
import { messageOf } from '@weir/reconcile';
import { fetchFailure } from './snapshots.ts';

/**
 * Turns a failure to read credentials into a failure to authenticate.
 * @param what the beginning of its message, with everything that comes before the reason
 * @throws Failure AuthenticationFailed
 */
export async function orAuthenticationFailed<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw fetchFailure(Reason.AuthenticationFailed, `${what}${messageOf(cause)}`, cause);
  }
}
