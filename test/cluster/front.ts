import {
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { connect } from 'node:net';
import { type Listening, type ListenOptions, listen } from './listen.ts';

export interface FrontRequest {
  method: string;
  /** With its query. */
  path: string;
  authorization: string | undefined;
  /** Of the answer's body, as far as it was passed on by now. */
  bytes: number;
  /** Milliseconds since 1970. */
  at: number;
}

/** Answers a request itself, and says so, or leaves it to the server behind. */
export type Intercept = (
  request: IncomingMessage,
  response: ServerResponse,
) => boolean | Promise<boolean>;

export interface Front extends Listening {
  /** `127.0.0.1:<port>`. */
  host: string;
  requests(): FrontRequest[];
  clear(): void;
  /** What to do with requests from now on; undefined passes all on. */
  intercept(with_: Intercept | undefined): void;
}

/** Starts a server in front of another HTTP server, which counts requests and can make some go wrong. */
export async function startFront(target: string, options: ListenOptions = {}): Promise<Front> {
  const requests: FrontRequest[] = [];
  let intercept: Intercept | undefined;
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const entry: FrontRequest = {
      method: request.method ?? '',
      path: request.url ?? '',
      authorization: request.headers.authorization,
      bytes: 0,
      at: Date.now(),
    };
    requests.push(entry);
    if (await intercept?.(request, response)) return;
    passOn(new URL(request.url ?? '/', target), request, response, (bytes) => {
      entry.bytes += bytes;
    });
  };
  const server = await listen((request, response) => {
    handle(request, response).catch(() => response.destroy());
  }, options);
  return {
    ...server,
    host: `127.0.0.1:${server.port}`,
    requests: () => [...requests],
    clear() {
      requests.length = 0;
    },
    intercept(with_) {
      intercept = with_;
    },
  };
}

export interface ForwardProxy extends Listening {
  /** What was asked for: `CONNECT host:port` or `GET http://...`, with the Proxy-Authorization header. */
  requests(): { target: string; authorization: string | undefined }[];
}

/** Starts an HTTP proxy: CONNECT, and requests with a whole URL. */
export async function startForwardProxy(): Promise<ForwardProxy> {
  const requests: ReturnType<ForwardProxy['requests']> = [];
  const record = ({ method, url, headers }: IncomingMessage) =>
    requests.push({ target: `${method} ${url}`, authorization: headers['proxy-authorization'] });
  const handle: RequestListener = (request, response) => {
    record(request);
    passOn(new URL(request.url ?? ''), request, response);
  };
  const server = await listen(handle, {
    onConnect(request, socket) {
      record(request);
      const { hostname, port } = new URL(`http://${request.url}`);
      const target = connect(Number(port), hostname, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        target.pipe(socket).pipe(target);
      });
      target.on('error', () => socket.destroy());
      socket.on('error', () => target.destroy());
    },
  });
  return { ...server, requests: () => [...requests] };
}

function passOn(
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
  count: (bytes: number) => void = () => undefined,
): void {
  const { method, headers } = request;
  const sent = httpRequest(url, { method, headers, agent: false }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.on('data', (chunk: Buffer) => count(chunk.length)).pipe(response);
  });
  sent.on('error', () => response.destroy());
  request.pipe(sent);
}
