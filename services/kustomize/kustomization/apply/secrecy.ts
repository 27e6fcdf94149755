// Failures of an apply without the variables that Secrets held: the API server repeats what it refuses, a label that is too
// long for example.
import { withoutValues } from '@weir/apply';
import { ApiError, isApiError } from '@weir/kube';
import { findCause, messageOf } from '@weir/reconcile';

/** Flux's too, for variables of Secrets. */
const MASK = '*****';

/** A text with a mask in the place of each value. */
export function masked(text: string, secretValues: readonly string[]): string {
  return withoutValues(text, secretValues, MASK);
}

/** The cause of a failure, which goes to logs and traces: another error where its messages have one of the values. */
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
