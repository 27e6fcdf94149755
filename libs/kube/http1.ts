import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { Socket } from 'node:net';
import { checkHost } from '@weir/net';
import type { Credentials } from './credentials.ts';
import { describe, dial, type Endpoint, lookupBy } from './dial.ts';
import { AnswerTooLargeError, ConnectionError } from './errors.ts';
import type { HttpExchange, HttpRequest, HttpResponse, HttpStream } from './http.ts';

/** HTTP/1.1 over keep-alive connections, for `http:` servers and for proxies that do not speak HTTP/2. */
export interface Http1 extends HttpExchange {
  /** Closes idle connections, so that the next requests open new ones with the current credentials. */
  retire(): void;
  destroy(): void;
}

const MAX_CONNECTIONS = 16;

/** `credentials` is called for each new connection and returns its client certificate. */
export function createHttp1(
  endpoint: Endpoint,
  credentials: () => Promise<Credentials> | Credentials,
): Http1 {
  const secure = endpoint.url.protocol === 'https:';
  const createAgent = (maxSockets: number) => {
    const options = { keepAlive: true, maxSockets, timeout: 0 };
    return secure
      ? dialingAgent(endpoint, credentials, new https.Agent(options))
      : new http.Agent({ ...options, ...lookupBy(endpoint.addresses) });
  };
  let requests = createAgent(MAX_CONNECTIONS);
  let streams = createAgent(Number.POSITIVE_INFINITY);

  const send = (request: HttpRequest, agent: http.Agent): ClientRequest => {
    if (!secure && endpoint.addresses) checkHost(endpoint.url.hostname, endpoint.addresses);
    const outgoing = (secure ? https : http).request({
      host: endpoint.url.hostname.replace(/^\[|\]$/g, ''),
      port: endpoint.url.port || (secure ? 443 : 80),
      method: request.method,
      path: request.path,
      headers: {
        ...request.headers,
        host: endpoint.url.host,
        ...(request.body === undefined ? {} : { 'content-length': request.body.length }),
      },
      agent,
    });
    outgoing.end(request.body);
    return outgoing;
  };
  const origin = endpoint.url.origin;
  return {
    async exchange(request, signal) {
      const response = await answered(send(request, requests), origin, signal);
      const { maxAnswerBytes } = request;
      const body = await wholeBody(response, origin, signal, maxAnswerBytes);
      return { ...headOf(response), body };
    },
    async stream(request, signal) {
      const response = await answered(send(request, streams), origin, signal);
      return streamOf(response, origin, signal);
    },
    retire() {
      requests.destroy();
      streams = createAgent(Number.POSITIVE_INFINITY);
      requests = createAgent(MAX_CONNECTIONS);
    },
    destroy() {
      requests.destroy();
      streams.destroy();
    },
  };
}

/** An agent that connects by dial(), because that handles proxies, rotated certificate authorities and certificates. */
function dialingAgent(
  endpoint: Endpoint,
  credentials: () => Promise<Credentials> | Credentials,
  agent: https.Agent,
): https.Agent {
  agent.createConnection = (_options, done) => {
    const connecting = async () => dial(endpoint, await credentials(), ['http/1.1']);
    connecting().then(
      (socket) => done?.(null, socket),
      (error) => done?.(error, new Socket()),
    );
    return undefined;
  };
  return agent;
}

function answered(
  request: ClientRequest,
  origin: string,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      reject(signal.reason);
      request.destroy();
    };
    const settle = () => signal.removeEventListener('abort', abort);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort);
    request.on('response', (response) => {
      settle();
      resolve(response);
    });
    request.on('error', (cause) => {
      settle();
      reject(broken(origin, cause, request.socket !== null));
    });
  });
}

function wholeBody(
  response: IncomingMessage,
  origin: string,
  signal: AbortSignal,
  maxBytes = Number.POSITIVE_INFINITY,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const abort = () => {
      reject(signal.reason);
      response.destroy();
    };
    signal.addEventListener('abort', abort);
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBytes) return void chunks.push(chunk);
      reject(new AnswerTooLargeError(maxBytes));
      response.destroy();
    });
    response.on('end', () => resolve(Buffer.concat(chunks)));
    response.on('error', (cause) => reject(broken(origin, cause, true)));
    response.on('close', () => {
      signal.removeEventListener('abort', abort);
      reject(broken(origin, undefined, true));
    });
  });
}

function streamOf(response: IncomingMessage, origin: string, signal: AbortSignal): HttpStream {
  const cancel = () => void response.destroy();
  signal.addEventListener('abort', cancel);
  response.once('close', () => signal.removeEventListener('abort', cancel));
  return { ...headOf(response), chunks: chunksOf(response, origin, signal), cancel };
}

async function* chunksOf(
  response: IncomingMessage,
  origin: string,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  try {
    signal.throwIfAborted();
    for await (const chunk of response) yield chunk;
  } catch (cause) {
    throw signal.aborted ? signal.reason : broken(origin, cause, true);
  } finally {
    response.destroy();
  }
}

function broken(origin: string, cause: unknown, sent: boolean): ConnectionError {
  if (cause instanceof ConnectionError) return cause;
  const why = describe(cause ?? new Error('connection closed'));
  return new ConnectionError(`lost the connection to ${origin}: ${why}`, { sent, cause });
}

function headOf(response: IncomingMessage): Pick<HttpResponse, 'status' | 'headers'> {
  return { status: response.statusCode ?? 0, headers: response.headers };
}
