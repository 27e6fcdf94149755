// How the clouds are spoken to: bounded answers, a time limit, no redirects, and metadata services never through a proxy.
import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { createBoundedMap } from '@weir/async';
import {
  type Connections,
  connectionProblem,
  keepConnections,
  OPERATORS_AUTHORITIES,
  readBounded,
  sendRequest,
} from '@weir/net';
import { IdentityError, invalidConfiguration } from './errors.ts';
import { shown } from './shown.ts';

export interface CloudRequest {
  method: 'GET' | 'POST' | 'PUT';
  url: URL;
  headers?: Readonly<Record<string, string>>;
  body?: string;
  /** How messages call the service: `AWS STS`. */
  service: string;
  /** What went wrong, in the service's own form, for messages; undefined for an answer in another form. */
  problem(answer: CloudAnswer): Problem | undefined;
}

/** What a service says that went wrong. */
export interface Problem {
  /** `AccessDenied`, `invalid_grant`. */
  code: string;
  message?: string | undefined;
  /** Whether the code says that the service has too much to do. */
  isThrottled?: boolean;
}

export interface CloudAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

export interface CloudNetwork {
  /**
   * Sends a request to a service of a cloud and gives its answer if it is 2xx.
   * @param proxy the object's, for services over https alone
   * @throws IdentityError Denied, Throttled, Unavailable, InvalidAnswer
   */
  ask(request: CloudRequest, proxy: string | undefined, signal: AbortSignal): Promise<CloudAnswer>;
  /** The same for a metadata service, which is on this node: no proxy counts. */
  askNode(request: CloudRequest, signal: AbortSignal): Promise<CloudAnswer>;
  close(): void;
}

export interface NetworkOptions {
  /** Allows loopback addresses for services too (`--allow-local-addresses`, tests). */
  allowLocal: boolean;
  /** The proxies of the operator. */
  environment: NodeJS.ProcessEnv;
  /** Pause before the second attempt, in ms; three times as long before the third. */
  firstPauseMs?: number;
  /** The longest that one attempt may take, in ms. */
  attemptMs?: number;
}

/** Answers are small; descriptions of clusters have some ten kilobytes. */
const MAX_BYTES = 512 * 1024;
const ATTEMPT_MS = 10_000;
const CONNECT_MS = 5_000;
const ATTEMPTS = 3;
const FIRST_PAUSE_MS = 300;
/** Whoever asks for a longer pause is not waited for, in ms. */
const MAX_PAUSE_MS = 5_000;
/** Proxies of tenants whose connections are kept. */
const PROXIES = 100;

export function createNetwork(options: NetworkOptions): CloudNetwork {
  const { allowLocal, environment, firstPauseMs = FIRST_PAUSE_MS } = options;
  const attemptMs = options.attemptMs ?? ATTEMPT_MS;
  const direct = keepConnections({ allowLocal, environment });
  // The addresses of metadata services are link-local. Only constants and settings of the operator lead there.
  const node = keepConnections({ allowLocal: true });
  const proxies = createBoundedMap<string, Connections>({ max: PROXIES });

  function through(proxy: string | undefined, url: URL): Connections {
    // Without TLS a token would pass the proxy in the clear. Such a service is one of the operator's own network.
    if (proxy === undefined || url.protocol !== 'https:') return direct;
    if (!/^https?:\/\//.test(proxy)) {
      const what =
        'a cloud can be asked through the proxy of an object only if it is an HTTP proxy';
      throw invalidConfiguration(what);
    }
    const kept = proxies.get(proxy) ?? keepConnections({ allowLocal, proxy });
    proxies.set(proxy, kept);
    return kept;
  }

  async function attempt(
    connections: Connections,
    request: CloudRequest,
    signal: AbortSignal,
  ): Promise<CloudAnswer> {
    const limit = AbortSignal.timeout(attemptMs);
    const { method, url, headers = {}, body, service } = request;
    let answer: CloudAnswer;
    try {
      const response = await sendRequest(connections, {
        ...{ method, url, body, connectTimeoutMs: CONNECT_MS },
        headers: {
          'user-agent': 'weir',
          ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
          ...headers,
        },
        signal: AbortSignal.any([signal, limit]),
      });
      const text = (await readBounded(response, MAX_BYTES)).toString('utf8');
      answer = { status: response.statusCode ?? 0, headers: response.headers, text };
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      const why = limit.aborted
        ? `no answer within ${attemptMs} ms`
        : connectionProblem(cause, OPERATORS_AUTHORITIES);
      throw new IdentityError('Unavailable', `${service} at ${url.origin}: ${why}`, { cause });
    }
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw failureOf(request, answer);
  }

  async function ask(
    connections: Connections,
    request: CloudRequest,
    signal: AbortSignal,
  ): Promise<CloudAnswer> {
    for (let count = 1; ; count++) {
      try {
        return await attempt(connections, request, signal);
      } catch (error) {
        const pauseMs = pauseAfter(error, count, firstPauseMs);
        if (pauseMs === undefined) throw error;
        await sleep(pauseMs, undefined, { signal });
      }
    }
  }

  return {
    ask: async (request, proxy, signal) => ask(through(proxy, request.url), request, signal),
    askNode: (request, signal) => ask(node, request, signal),
    close() {
      direct.close();
      node.close();
      proxies.clear();
    },
  };
}

/** Undefined where another attempt is of no use. */
function pauseAfter(error: unknown, count: number, firstPauseMs: number): number | undefined {
  if (!(error instanceof IdentityError) || count >= ATTEMPTS) return undefined;
  if (error.reason !== 'Throttled' && error.reason !== 'Unavailable') return undefined;
  const own = firstPauseMs * 3 ** (count - 1) * (0.75 + Math.random() / 2);
  const pauseMs = Math.max(own, error.retryAfterMs ?? 0);
  return pauseMs > MAX_PAUSE_MS ? undefined : pauseMs;
}

/** What became of a request that was answered with another status than 2xx. */
function failureOf({ service, url, problem }: CloudRequest, answer: CloudAnswer): IdentityError {
  const { status, headers } = answer;
  const said = problem(answer);
  const code = said?.code ?? '';
  const words = said === undefined ? '' : `: ${shown([code, said.message ?? ''])}`;
  const message = `${service} at ${url.origin} answered ${status}${words}`;
  const reason =
    status === 429 || said?.isThrottled ? 'Throttled' : status >= 500 ? 'Unavailable' : 'Denied';
  const seconds = Number(headers['retry-after'] ?? Number.NaN);
  const retryAfterMs = seconds >= 0 ? Math.min(seconds, 24 * 3600) * 1_000 : undefined;
  return new IdentityError(reason, message, { status, retryAfterMs });
}
