import type { IncomingHttpHeaders } from 'node:http';
import { ApiError, type Status } from './errors.ts';

/** The reasons that the Go client gives to failures whose body is no Status, such as a proxy's page or plain text. */
const REASONS: Record<number, string> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Gone',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** Makes the error for a failed response. Its message is that of the Status, else the first 500 bytes of the body. */
export function apiError(code: number, headers: IncomingHttpHeaders, body: Buffer): ApiError {
  const status = statusIn(body);
  const after = retryAfterMs(headers['retry-after']);
  if (status === undefined) {
    const text = body.toString('utf8', 0, 500).trim();
    return new ApiError(text === '' ? `the server answered HTTP ${code}` : text, {
      status: code,
      reason: REASONS[code] ?? (code >= 500 ? 'InternalError' : 'Unknown'),
      ...(after === undefined ? {} : { retryAfterMs: after }),
    });
  }
  return errorOfStatus({ ...status, code: status.code ?? code }, after);
}

/** Makes the error for a Status object, which failed responses and `ERROR` events of watches carry. */
export function errorOfStatus(status: Status, retryAfter?: number): ApiError {
  const code = status.code ?? 500;
  const seconds = status.details?.retryAfterSeconds;
  const after =
    retryAfter ??
    (typeof seconds === 'number' ? Math.min(seconds * 1000, MAX_RETRY_AFTER_MS) : undefined);
  return new ApiError(status.message || `the server answered HTTP ${code}`, {
    status: code,
    // A 500 without a reason keeps its empty reason, as in Go: the server had no word for that error.
    reason: status.reason || (code === 500 ? '' : REASONS[code] || 'Unknown'),
    ...(status.details === undefined ? {} : { details: status.details }),
    ...(after === undefined ? {} : { retryAfterMs: after }),
  });
}

function statusIn(body: Buffer): Status | undefined {
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    return isStatus(parsed) ? parsed : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Whether a failed answer is one that an API server gives, and not another server's page. */
export function isStatusBody(body: Buffer): boolean {
  return statusIn(body) !== undefined;
}

function isStatus(value: unknown): value is Status {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'Status';
}

/** No server keeps its clients away for longer. A timer that is set for some weeks or more ends at once. */
const MAX_RETRY_AFTER_MS = 3_600_000;

/** The wait that a Retry-After header asks for, in ms. It holds seconds or an HTTP date (RFC 9110 10.2.3). */
export function retryAfterMs(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header)) return Math.min(Number(header) * 1000, MAX_RETRY_AFTER_MS);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.min(Math.max(0, date - now), MAX_RETRY_AFTER_MS);
}
