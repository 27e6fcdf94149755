// Sends one request to a key management service, and repeats it after errors that may pass.
import { setTimeout as pause } from 'node:timers/promises';
import {
  AddressRefused,
  type Connections,
  connectionProblem,
  exchangeJson,
  type JsonAnswer,
  type JsonRequest,
  OPERATORS_AUTHORITIES,
} from '@weir/net';
import { KmsError } from './errors.ts';

export interface KmsOptions {
  connections: Connections;
  /** Aborts all attempts. */
  signal: AbortSignal;
}

export interface Asked extends Omit<JsonRequest, 'signal' | 'maxBytes' | 'headers'> {
  /** The name of the service in error messages, with its address. */
  service: string;
  /** Called for each attempt, because signatures contain the time. */
  headers: () => Promise<Record<string, string>>;
  /** Whether the same request may succeed in a moment; by default for status 429 and 5xx. */
  isPassing?: (answer: JsonAnswer) => boolean;
}

/** Attempts in all, the first request included. */
const MAX_ATTEMPTS = 3;
/** Milliseconds before the second attempt; each further pause is twice as long. */
const PAUSE_MS = 200;
/** Bytes. The answer with a data key has a few hundred. */
const MAX_ANSWER = 64 * 1024;

/** Returns the answer, whatever its status. Rejects with a KmsError when there is no answer. */
export async function ask(asked: Asked, { connections, signal }: KmsOptions): Promise<JsonAnswer> {
  const { service, headers, isPassing = isBusy, ...request } = asked;
  for (let attempt = 1; ; attempt++) {
    const isLast = attempt >= MAX_ATTEMPTS;
    try {
      const sent = { ...request, headers: await headers(), maxBytes: MAX_ANSWER, signal };
      const answer = await exchangeJson(connections, sent);
      if (isLast || !isPassing(answer)) return answer;
    } catch (cause) {
      if (signal.aborted) throw late(service, cause);
      if (isLast || cause instanceof AddressRefused || cause instanceof KmsError) {
        throw new KmsError(`${service}: ${connectionProblem(cause, OPERATORS_AUTHORITIES)}`, {
          cause,
        });
      }
    }
    await pause(PAUSE_MS * 2 ** (attempt - 1), undefined, { signal }).catch((cause: unknown) => {
      throw late(service, cause);
    });
  }
}

function late(service: string, cause: unknown): KmsError {
  return new KmsError(`${service} did not answer in time`, { cause, isLate: true });
}

export function isBusy({ status }: JsonAnswer): boolean {
  return status === 429 || status >= 500;
}

/** The service's error code for an error message, if it is a single word: longer texts may repeat what was sent. */
export function wordOf(value: unknown): string {
  return typeof value === 'string' && /^[A-Za-z_]{1,64}$/.test(value) ? ` (${value})` : '';
}

/** Decodes the plain text in an answer, from either alphabet of base64. @throws KmsError when it is not base64 */
export function keyOf(value: unknown, service: string): Buffer {
  const isKey = typeof value === 'string' && /^[A-Za-z0-9+/_-]{1,10000}={0,2}$/.test(value);
  if (!isKey) throw new KmsError(`${service} gave no plain text`);
  return Buffer.from(value, 'base64');
}
