import { Agent, type RequestOptions, request } from 'node:https';

/** How to reach an API server and how to authenticate there. Certificates and keys are PEM. */
export interface ApiAccess {
  server: string;
  ca: string;
  certificate: string;
  key: string;
}

/** Sends one request and resolves with the parsed JSON answer, its text if it isn't JSON, or its bytes if asked for. */
export type ApiRequest = <T = unknown>(
  method: string,
  path: string,
  body?: unknown,
  options?: ApiRequestOptions,
) => Promise<T>;

export interface ApiRequestOptions {
  /** The content type of the body; JSON unless given. */
  contentType?: string;
  /** Whether to return the answer unparsed, as a Buffer. */
  bytes?: boolean;
}

/** An answer of the API server that is not 2xx. */
export class StatusError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = 'StatusError';
    this.status = status;
  }
}

const TIMEOUT_MS = 30_000;

/** Makes requests over one kept-alive connection, authenticated by a client certificate. */
export function certificateRequests(access: ApiAccess): ApiRequest {
  const { ca, certificate: cert, key } = access;
  const agent = new Agent({ ca, cert, key, keepAlive: true, maxSockets: 8 });
  return requestsWith(access.server, async () => ({ agent }));
}

/** Makes requests with the options (agent, headers, certificates) that `authenticate` returns for each. */
export function requestsWith(
  server: string,
  authenticate: () => Promise<RequestOptions>,
): ApiRequest {
  return async <T>(
    method: string,
    path: string,
    body?: unknown,
    options: ApiRequestOptions = {},
  ): Promise<T> => {
    const authentication = await authenticate();
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers: Record<string, string> = {
      ...(authentication.headers as Record<string, string> | undefined),
      accept: 'application/json',
    };
    if (payload !== undefined) headers['content-type'] = options.contentType ?? 'application/json';
    const settings = { ...authentication, method, headers, timeout: TIMEOUT_MS };
    const { status, answer } = await send(new URL(path, server), settings, payload);
    if (status < 200 || status > 299) {
      throw new StatusError(status, `${method} ${path}: ${status} ${messageOf(answer.toString())}`);
    }
    return (options.bytes ? answer : parse(answer.toString())) as T;
  };
}

function send(
  url: URL,
  options: RequestOptions,
  payload: string | undefined,
): Promise<{ status: number; answer: Buffer }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, answer: Buffer.concat(chunks) });
      });
    });
    sent.on('error', reject);
    sent.on('timeout', () => sent.destroy(new Error(`no answer from ${url.host} in 30 s`)));
    sent.end(payload);
  });
}

function parse(text: string): unknown {
  return /^\s*[[{]/.test(text) ? JSON.parse(text) : text;
}

/** The message of a Kubernetes Status, or the text itself if it is none. */
function messageOf(text: string): string {
  const body = parse(text);
  if (typeof body === 'object' && body !== null && 'message' in body) return String(body.message);
  return text.slice(0, 500);
}
