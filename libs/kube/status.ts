import type { IncomingHttpHeaders } from 'node:http';
import { ApiError, type Status } from './errors.ts';

/** What the Go client calls a failure whose body is no Status (a proxy's page, plain text). */
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

/** The error that a failed response means. */
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

/** The error in a Status object, as watches deliver it too. */
export function errorOfStatus(status: Status, retryAfter?: number): ApiError {
  const code = status.code ?? 500;
  const seconds = status.details?.retryAfterSeconds;
  const after = retryAfter ?? (seconds === undefined ? undefined : seconds * 1000);
  return new ApiError(status.message || `the server answered HTTP ${code}`, {
    status: code,
    // A 500 without a reason is an error that the server itself could not name.
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

function isStatus(value: unknown): value is Status {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'Status';
}

/** Retry-After in seconds or as an HTTP date (RFC 9110 10.2.3), as milliseconds from now. */
export function retryAfterMs(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
