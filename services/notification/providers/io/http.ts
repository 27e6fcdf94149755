import { DEFAULT_CIPHERS } from 'node:tls';
import { AddressRefused, checkHost } from '@weir/net';
import { Agent, type Dispatcher, ProxyAgent, request } from 'undici';
import type { Target } from '../providers/target.ts';
import { DeliveryError } from './errors.ts';
import type { LookupFor } from './lookup.ts';

/** How much of an answer is read: enough for what a chat service says about a message. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** What to send: a JSON body and headers besides the target's own. */
export interface Post {
  body: string;
  headers?: Record<string, string>;
}

/**
 * Posts JSON to the target, through its proxy and with its certificates, until `signal` aborts. Resolves with the
 * answer's body for a 2xx status. Rejects with a DeliveryError: permanent for a redirect, which is never followed, for a
 * refused address and for a 4xx other than 408, 425 and 429, else worth a retry (after `Retry-After`, where given). Its
 * message names the host and the status and quotes nothing that the target says.
 */
export type PostJson = (target: Target, post: Post, signal: AbortSignal) => Promise<string>;

/** Makes `postJson` for connections to the addresses that `lookupFor` and `allowLocal` allow. */
export function createPoster(options: { lookupFor: LookupFor; allowLocal: boolean }): PostJson {
  const { lookupFor, allowLocal } = options;
  return async (target, post, signal) => {
    let dispatcher: Dispatcher | undefined;
    try {
      for (const url of [target.address, target.proxy ?? []].flat()) {
        checkHost(new URL(url).hostname, { allowLocal });
      }
      dispatcher = dispatcherFor(target, lookupFor(target.namespace, signal));
      const answer = await request(target.address, {
        method: 'POST',
        dispatcher,
        signal,
        headers: { 'content-type': 'application/json', ...post.headers },
        body: post.body,
      });
      const text = await readText(answer.body);
      if (answer.statusCode >= 200 && answer.statusCode < 300) return text;
      throw refused(answer.statusCode, header(answer.headers, 'retry-after'));
    } catch (error) {
      throw error instanceof DeliveryError ? error : unreachable(target, error, signal);
    } finally {
      // Not awaited: a receiver that never closes its side must not hold the delivery.
      void dispatcher?.destroy();
    }
  };
}

function dispatcherFor(target: Target, lookup: ReturnType<LookupFor>): Agent | ProxyAgent {
  // Without the key exchanges whose cost the other side chooses: they run on this process' only thread.
  const shared = { lookup, ciphers: `${DEFAULT_CIPHERS}:!DHE`, ca: target.tls?.ca };
  const own = { ...shared, cert: target.tls?.cert, key: target.tls?.key };
  return target.proxy === undefined
    ? new Agent({ connect: own })
    : new ProxyAgent({ uri: target.proxy, requestTls: own, proxyTls: shared });
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

function refused(status: number, retryAfter: string | undefined): DeliveryError {
  const redirect = status >= 300 && status < 400 ? ', a redirect, which is not followed' : '';
  return new DeliveryError('Refused', `request failed with status code ${status}${redirect}`, {
    permanent: status < 500 && ![408, 425, 429].includes(status),
    retryAfterMs: retryAfterMs(retryAfter),
  });
}

function unreachable(target: Target, error: unknown, signal: AbortSignal): DeliveryError {
  const refusal = addressRefusal(error);
  if (refusal !== undefined) {
    return new DeliveryError('AddressRefused', refusal.message, { cause: error });
  }
  const { host } = new URL(target.address);
  const why = signal.aborted ? 'no answer within its timeout' : nameOf(error);
  return new DeliveryError('Unreachable', `request to ${host} failed: ${why}`, {
    permanent: false,
    cause: error,
  });
}

function addressRefusal(error: unknown): AddressRefused | undefined {
  const errors = error instanceof AggregateError ? error.errors : [error];
  return errors.find((each) => each instanceof AddressRefused);
}

/** Its code, such as ECONNREFUSED: messages quote what the other side sent, or the address that was asked. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  const { code } = error as NodeJS.ErrnoException;
  return code ?? error.name;
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
