import type { IncomingMessage } from 'node:http';
import { AnswerTooLarge, readBounded } from '@weir/net';
import { interrupted } from './deadline.ts';
import { OciError, type OciReason } from './errors.ts';
import { retryAfterMs } from './retry.ts';

/** Bytes of an answer that reports an error; the rest isn't read. */
const MAX_ERROR_BODY = 64 * 1024;
/** Characters of one error's message and detail each. */
const MAX_TEXT = 400;
const MAX_ERRORS = 5;

/**
 * Reads an answer whole.
 * @param what for messages, such as `GET https://host/v2/app/tags/list`
 * @throws OciError TooLarge above `maxBytes`, Truncated, Timeout, Aborted
 */
export async function readBody(
  response: IncomingMessage,
  { maxBytes, what, signal }: { maxBytes: number; what: string; signal: AbortSignal },
): Promise<Buffer> {
  try {
    return await readBounded(response, maxBytes);
  } catch (cause) {
    if (cause instanceof AnswerTooLarge) {
      throw new OciError('TooLarge', `${what}: ${cause.message}`, { cause });
    }
    throw interrupted(what, signal, cause);
  }
}

/** The error that an answer reports, with the messages of go-containerregistry. Reads the answer. */
export async function errorOf(
  response: IncomingMessage,
  what: string,
  signal: AbortSignal,
): Promise<OciError> {
  const status = response.statusCode ?? 0;
  const body = await readBody(response, { maxBytes: MAX_ERROR_BODY, what, signal }).catch(
    (error: unknown) => {
      if (signal.aborted) throw error;
      return Buffer.alloc(0);
    },
  );
  const problem =
    describeErrors(body) ?? `unexpected status code ${status} ${response.statusMessage ?? ''}`;
  return new OciError(reasonOf(status), `${what}: ${problem.trimEnd()}`, {
    status,
    retryAfterMs: retryAfterMs(response.headers['retry-after']),
  });
}

function reasonOf(status: number): OciReason {
  if (status === 401) return 'Unauthorized';
  if (status === 403) return 'Denied';
  if (status === 404) return 'NotFound';
  if (status === 408 || status >= 500) return 'Unavailable';
  if (status === 429) return 'RateLimited';
  return 'InvalidResponse';
}

/**
 * The errors in a registry's answer (distribution spec, "Error Codes"). Undefined for any other text, which may come
 * from an internal service that a tenant must not read.
 */
function describeErrors(body: Buffer): string | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch {
    // What is not JSON is not an answer of a registry.
    return undefined;
  }
  const { errors } = (parsed ?? {}) as { errors?: unknown };
  if (!Array.isArray(errors)) return undefined;
  const texts = errors.slice(0, MAX_ERRORS).flatMap((error) => describeError(error) ?? []);
  if (texts.length === 0) return undefined;
  return texts.length === 1 ? texts[0] : `multiple errors returned: ${texts.join('; ')}`;
}

function describeError(error: unknown): string | undefined {
  const { code, message = '', detail } = (error ?? {}) as Record<string, unknown>;
  if (typeof code !== 'string' || typeof message !== 'string') return undefined;
  if (!/^[A-Z][A-Z_]{0,63}$/.test(code)) return undefined;
  const text = `${code}: ${shorten(message)}`;
  return detail === undefined || detail === null ? text : `${text}; ${shorten(show(detail, 0))}`;
}

/** A value in the form of Go's `%v`, as in Flux's messages. */
function show(value: unknown, depth: number): string {
  if (depth > 4) return '...';
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) {
    return `[${value
      .slice(0, 20)
      .map((item) => show(item, depth + 1))
      .join(' ')}]`;
  }
  if (typeof value !== 'object') return String(value);
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${fields
    .slice(0, 20)
    .map(([key, item]) => `${key}:${show(item, depth + 1)}`)
    .join(' ')}]`;
}

function shorten(text: string): string {
  // Messages are lines of logs and conditions.
  const line = text.replace(/\p{Cc}+/gu, ' ');
  return line.length > MAX_TEXT ? `${line.slice(0, MAX_TEXT)}...` : line;
}
