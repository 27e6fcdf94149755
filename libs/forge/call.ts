import { ForgeError } from './errors.ts';

/**
 * Sends one request to a forge's API, with the caller's connections, limits and time limit. Rejects for statuses other
 * than 2xx.
 */
export type ForgeCall = (request: ForgeRequest) => Promise<{ status: number; text: string }>;

export interface ForgeRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH';
  url: string;
  headers: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  body?: unknown;
  contentType?: string;
  /** Statuses beyond 2xx that are not failures. */
  accept?: readonly number[];
}

/** The answer as JSON. Rejects like `call`, and with a ForgeError for what is not JSON. */
export async function callJson(call: ForgeCall, request: ForgeRequest): Promise<unknown> {
  const { text } = await call(request);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new ForgeError('the answer of the API is no JSON', { cause });
  }
}

/** The objects of a list; none for what is no list. */
export function recordsOf(answer: unknown): Record<string, unknown>[] {
  return Array.isArray(answer) ? answer.filter(isRecord) : [];
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
