import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { AddressRefused, sendRequest, tlsProblem } from '@weir/net';
import { DeliveryError } from '../../delivery/errors.ts';
import { keepByTarget, type Network, type Reached } from './connections.ts';

export interface HttpRequest {
  /** POST unless given. */
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'OPTIONS';
  url: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array;
  /** Statuses beyond 2xx that are an answer and no failure, such as 404 of a status that isn't there yet. */
  accept?: readonly number[];
  /** Of the answer so many bytes are read; 64 KiB unless given. */
  maxBytes?: number;
}

export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/**
 * Sends a request to a target, through its proxy and with its certificates, until `signal` aborts. Resolves with the
 * answer for a 2xx status and for those that the request accepts. Rejects with a DeliveryError: permanent for a redirect,
 * which is never followed, for a refused address and for a 4xx other than 408, 425 and 429, else worth a retry (after
 * `Retry-After`, where given). Its message names the host and the status and quotes nothing that the target says.
 */
export type SendHttp = (
  target: Reached,
  request: HttpRequest,
  signal: AbortSignal,
) => Promise<HttpAnswer>;

/** How much of an answer is read: enough for what a chat service says about a message. */
const MAX_ANSWER_BYTES = 64 * 1024;
const CONNECT_TIMEOUT_MS = 10_000;
const AUTHORITY =
  'ca.crt of the Secret that certSecretRef names, where the type takes one, or in NODE_EXTRA_CA_CERTS of the service';

/** Makes `SendHttp` for connections to the addresses that the network allows. */
export function createHttp(network: Network): SendHttp {
  const withConnections = keepByTarget(network);
  return async (target, { url: address, method = 'POST', ...request }, signal) => {
    const url = parseUrl(address);
    try {
      return await withConnections(target, async (connections) => {
        const { headers = {}, body, accept = [], maxBytes = MAX_ANSWER_BYTES } = request;
        const answer = await sendRequest(connections, {
          ...{ method, url, body, signal, connectTimeoutMs: CONNECT_TIMEOUT_MS },
          headers: { 'user-agent': 'weir', ...headers },
        });
        const text = await readText(answer, maxBytes);
        const status = answer.statusCode ?? 0;
        if ((status >= 200 && status < 300) || accept.includes(status)) {
          return { status, headers: answer.headers, text };
        }
        throw refused(status, answer.headers['retry-after']);
      });
    } catch (error) {
      throw error instanceof DeliveryError ? error : unreachable(url.host, error, signal);
    }
  };
}

function parseUrl(address: string): URL {
  const url = URL.parse(address);
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  // An address holds the webhook's secret as often as not, so it isn't repeated.
  throw new DeliveryError('InvalidProvider', 'the address is not an http or https URL');
}

async function readText(answer: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaving the loop early closes the connection: what else the target has to say is not waited for.
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > maxBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, maxBytes).toString('utf8');
}

function refused(status: number, retryAfter: string | undefined): DeliveryError {
  const redirect = status >= 300 && status < 400 ? ', a redirect, which is not followed' : '';
  return new DeliveryError('Refused', `request failed with status code ${status}${redirect}`, {
    permanent: status < 500 && ![408, 425, 429].includes(status),
    retryAfterMs: retryAfterMs(retryAfter),
  });
}

/** What a connection to `host` failed with, as a DeliveryError. */
export function unreachable(host: string, error: unknown, signal: AbortSignal): DeliveryError {
  const refusal = addressRefusal(error);
  if (refusal !== undefined) {
    return new DeliveryError('AddressRefused', refusal.message, { cause: error });
  }
  const why = signal.aborted
    ? 'no answer within its timeout'
    : (tlsProblem(error, AUTHORITY) ?? nameOf(error));
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
