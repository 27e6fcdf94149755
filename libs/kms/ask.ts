// One request to a key management service, tried again where that may help.
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
  /** Ends all attempts. */
  signal: AbortSignal;
}

export interface Asked extends Omit<JsonRequest, 'signal' | 'maxBytes' | 'headers'> {
  /** As messages call it, with where it is. */
  service: string;
  /** Made anew for each attempt, as signatures have a date. */
  headers: () => Promise<Record<string, string>>;
  /** Whether the same request may be answered otherwise in a moment; 429 and errors of the server unless given. */
  isPassing?: (answer: JsonAnswer) => boolean;
}

/** The first request included. */
const MAX_ATTEMPTS = 3;
/** Milliseconds before the second attempt; each further one waits twice as long. */
const PAUSE_MS = 200;
/** Bytes. A data key is a few hundred. */
const MAX_ANSWER = 64 * 1024;

/** The answer, whatever its status. Rejects with a KmsError where there is none. */
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

/** Words of the service for an error, if they are one word: texts may repeat what was sent. */
export function wordOf(value: unknown): string {
  return typeof value === 'string' && /^[A-Za-z_]{1,64}$/.test(value) ? ` (${value})` : '';
}

/** The plain text of an answer. Rejects what is no base64, in either alphabet. */
export function keyOf(value: unknown, service: string): Buffer {
  const isKey = typeof value === 'string' && /^[A-Za-z0-9+/_-]{1,10000}={0,2}$/.test(value);
  if (!isKey) throw new KmsError(`${service} gave no plain text`);
  return Buffer.from(value, 'base64');
}
