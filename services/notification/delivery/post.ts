import { Agent, type Dispatcher, ProxyAgent, request } from 'undici';
import type { Target } from '../providers/target.ts';
import { DeliveryError } from './errors.ts';

/** How much of an answer is read: enough for any receiver's error text. */
const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_QUOTED = 300;

/** What to send: a JSON body and headers besides the target's own. */
export interface Post {
  body: string;
  headers?: Record<string, string>;
}

/**
 * Posts JSON to the target, through its proxy and with its certificates, within its time limit.
 * Resolves with the answer's body for a 2xx status. Rejects with a DeliveryError: permanent for a
 * 4xx other than 408, 425 and 429, else worth a retry (after `Retry-After`, where given).
 */
export async function postJson(target: Target, post: Post, signal?: AbortSignal): Promise<string> {
  const limit = AbortSignal.timeout(target.timeoutMs);
  const dispatcher = dispatcherFor(target);
  try {
    const answer = await request(target.address, {
      method: 'POST',
      dispatcher,
      signal: signal ? AbortSignal.any([limit, signal]) : limit,
      headers: { 'content-type': 'application/json', ...post.headers },
      body: post.body,
    });
    const text = await readText(answer.body);
    if (answer.statusCode >= 200 && answer.statusCode < 300) return text;
    throw refused(answer.statusCode, text, header(answer.headers, 'retry-after'));
  } catch (error) {
    throw error instanceof DeliveryError ? error : unreachable(target, error, limit.aborted);
  } finally {
    // Not awaited: a receiver that never closes its side must not hold the delivery.
    void dispatcher.destroy();
  }
}

function dispatcherFor(target: Target): Agent | ProxyAgent {
  const tls = target.tls ?? {};
  return target.proxy
    ? new ProxyAgent({ uri: target.proxy, requestTls: tls, proxyTls: tls })
    : new Agent({ connect: tls });
}

async function readText(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, MAX_ANSWER_BYTES).toString('utf8');
}

function refused(status: number, body: string, retryAfter: string | undefined): DeliveryError {
  const said = body.trim() ? `: ${body.trim().slice(0, MAX_QUOTED)}` : '';
  return new DeliveryError('Refused', `request failed with status code ${status}${said}`, {
    permanent: status < 500 && ![408, 425, 429].includes(status),
    retryAfterMs: retryAfterMs(retryAfter),
  });
}

function unreachable(target: Target, error: unknown, timedOut: boolean): DeliveryError {
  const { host } = new URL(target.address);
  const why = timedOut ? `no answer within ${target.timeoutMs} ms` : describe(error);
  return new DeliveryError('Unreachable', `request to ${host} failed: ${why}`, {
    permanent: false,
    cause: error,
  });
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  return error.message || code || error.name;
}

/** Retry-After is seconds or an HTTP date (RFC 9110, 10.2.3). */
function retryAfterMs(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const seconds = Number(value);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

function header(headers: Dispatcher.ResponseData['headers'], name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}
