// The input and result of the checks for calls of webhooks.
import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Receiver } from '@weir/api';
import type { SecretData } from '@weir/kube';

export interface Call {
  headers: IncomingHttpHeaders;
  /** The bytes that arrived: signatures are over these. */
  body: Buffer;
}

/** What a check needs besides the call. */
export interface Verifying {
  receiver: Receiver;
  /** The Receiver's Secret; empty for types without one. */
  secret: SecretData;
  /** Reads JSON from a URL, for the keys of issuers. */
  fetchJson(url: string): Promise<unknown>;
  /** Evaluates CEL. */
  evaluate: EvaluateClaims;
}

/** The value of an expression. Rejects for one that fails. */
export type EvaluateClaims = (
  expression: string,
  variables: Readonly<Record<string, object>>,
) => Promise<unknown>;

/** The result of a call that passed the check. */
export interface Verified {
  /** The value of `req` in expressions, if it isn't the body itself. */
  request?: unknown;
  /** Claims of the token, where there is one. */
  claims?: Record<string, unknown>;
}

/** Checks a call. Rejects with CallRefused. */
export type Verify = (call: Call, verifying: Verifying) => Verified | Promise<Verified>;

/** A call that isn't what it should be. The message is for the log, and names no secret. */
export class CallRefused extends Error {
  override readonly name = 'CallRefused';
  readonly reason = 'CallRefused';
  /** The text of the answer to the caller, if any. */
  readonly answer: string;

  constructor(message: string, { answer = '', cause }: { answer?: string; cause?: unknown } = {}) {
    super(message, { cause });
    this.answer = answer;
  }
}

/** The token of the Receiver's Secret, as bytes. */
export function tokenOf({ secret }: Verifying): Buffer {
  const token = secret.get('token');
  if (token === undefined) throw new CallRefused("the secret has no 'token'");
  return token;
}

/** A header that comes once; empty when it is missing. */
export function headerOf({ headers }: Call, name: string): string {
  const value = headers[name];
  return (Array.isArray(value) ? value.join(',') : value) ?? '';
}

/** Compares in constant time, so that the time doesn't show how much of it is right. */
export function isSame(given: Uint8Array, wanted: Uint8Array): boolean {
  if (given.length !== wanted.length) {
    timingSafeEqual(wanted, wanted);
    return false;
  }
  return timingSafeEqual(given, wanted);
}

/** Whether the Receiver wants this event; without a list it wants all. The case of the name is ignored. */
export function checkEvent({ receiver }: Verifying, event: string): void {
  const { events = [] } = receiver.spec;
  const name = event.toLowerCase();
  if (events.length > 0 && !events.some((each) => each.toLowerCase() === name)) {
    throw new CallRefused('the event is not among those of spec.events');
  }
}

/** The body as JSON. */
export function jsonOf({ body }: Call): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch (cause) {
    throw new CallRefused('the body is no JSON', { cause });
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
