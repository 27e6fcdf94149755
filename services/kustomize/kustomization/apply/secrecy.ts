// Removes values of Secrets from failures of an apply: the API server quotes what it refuses, for example a label that
// is too long.
import { withoutValues } from '@weir/apply';
import { ApiError, isApiError } from '@weir/kube';
import { findCause, messageOf } from '@weir/reconcile';

/** The same mask as Flux has for variables of Secrets. */
const MASK = '*****';

/** The text with each of the values masked. */
export function masked(text: string, secretValues: readonly string[]): string {
  return withoutValues(text, secretValues, MASK);
}

/**
 * The cause of a failure as it may go to logs and traces: another error where one of its messages has one of the
 * values.
 */
export function maskedCause(cause: unknown, secretValues: readonly string[]): unknown {
  const messages: string[] = [];
  for (let error = cause; error instanceof Error; error = error.cause) messages.push(error.message);
  if (messages.every((message) => masked(message, secretValues) === message)) return cause;
  const api = findCause(cause, isApiError);
  if (!isApiError(api)) return new Error(masked(messageOf(cause), secretValues));
  const { status, reason, retryAfterMs } = api;
  return new ApiError(masked(api.message, secretValues), {
    ...{ status, reason },
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
