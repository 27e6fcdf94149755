// What a call of a webhook is checked for.
import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Receiver } from '@weir/api';
import type { SecretData } from '@weir/kube';

export interface Call {
  headers: IncomingHttpHeaders;
  /** As it came: signatures are over these bytes. */
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

/** What a good call says. */
export interface Verified {
  /** What `req` is in expressions, where it isn't the body itself. */
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
  /** What the caller is told, if anything. */
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

/** Compares without a difference in time that would tell how much of it is right. */
export function isSame(given: Uint8Array, wanted: Uint8Array): boolean {
  if (given.length !== wanted.length) {
    timingSafeEqual(wanted, wanted);
    return false;
  }
  return timingSafeEqual(given, wanted);
}

/** Whether the Receiver wants this event; with no list it wants all. The case of the name doesn't count. */
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
