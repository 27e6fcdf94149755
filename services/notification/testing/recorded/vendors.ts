// One server in place of every vendor, which keeps its requests. It is behind the proxy through which all of Weir's
// requests go.
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { createSecureContext, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { createAuthority } from '@weir/cluster';
import { readBody } from './bodies.ts';
import type { VendorAnswer, VendorRequest } from './case.ts';

export interface KeptRequest extends VendorRequest {
  method: string;
  path: string;
  host: string;
  headers: Record<string, string>;
  /** The bytes of the body, for signatures over them. */
  bytes: Buffer;
  /** Milliseconds since 1970. */
  at: number;
}

export interface Vendors {
  /** The URL of the proxy that all requests out of the cluster go through. */
  egress: string;
  /** URL of the proxy that a Provider may name. */
  proxy: string;
  /** The authority of hooks.example.com (PEM), which nobody trusts by default. */
  ca: string;
  requests(): KeptRequest[];
  clear(): void;
  /** Answers from now on, in place of the vendors' usual ones. */
  answer(answers: readonly VendorAnswer[], documents?: Readonly<Record<string, unknown>>): void;
  close(): Promise<void>;
}

type Incoming = IncomingMessage | Http2ServerRequest;
/** The fields of both kinds of responses. */
interface Outgoing {
  writeHead(status: number, headers: Record<string, string>): unknown;
  end(body: string | Buffer): unknown;
  destroy?(): unknown;
}

const PRIVATE_HOST = 'hooks.example.com';

export async function startVendors(): Promise<Vendors> {
  const kept: KeptRequest[] = [];
  let answers: { answer: VendorAnswer; left: number }[] = [];
  let documents: Readonly<Record<string, unknown>> = {};
  const [own, trusted] = await Promise.all([createAuthority('hooks'), createAuthority('vendors')]);
  // A type's fixed host resolves to this server, which has a trusted certificate.
  setDefaultCACertificates([...getCACertificates('default'), trusted.certificate]);
  const contexts = new Map<string, ReturnType<typeof createSecureContext>>();

  async function contextFor(host: string) {
    const known = contexts.get(host);
    if (known !== undefined) return known;
    const { certificate, key } = await (host === PRIVATE_HOST ? own : trusted).serving([host]);
    const context = createSecureContext({ cert: certificate, key });
    contexts.set(host, context);
    return context;
  }

  async function take(request: Incoming, response: Outgoing, url: URL, about: VendorRequest) {
    const bytes = await buffer(request);
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    const query = Object.fromEntries(url.searchParams);
    const body = readBody(headers['content-type'] ?? '', bytes);
    const entry: KeptRequest = {
      ...{
        method: request.method ?? '',
        path: url.pathname,
        host: about.host ?? url.host,
        headers,
        ...about,
      },
      ...(Object.keys(query).length === 0 ? {} : { query }),
      ...(body === undefined ? {} : { body }),
      ...{ bytes, at: Date.now() },
    };
    const document = documents[`${url.host}${url.pathname}`];
    if (document !== undefined) {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(document));
      return;
    }
    kept.push(entry);
    const { status, headers: more, body: text, delayMs } = answerTo(entry);
    if (delayMs !== undefined) await delay(delayMs);
    if (headers['content-type']?.startsWith('application/grpc')) {
      const grpc = response as unknown as Http2ServerResponse;
      grpc.writeHead(200, { 'content-type': 'application/grpc' });
      grpc.addTrailers({ 'grpc-status': '0' });
      grpc.end(Buffer.from([0, 0, 0, 0, 0]));
      return;
    }
    response.writeHead(status, { 'content-type': 'application/json', ...more });
    response.end(text);
  }

  function answerTo({ method, path }: KeptRequest) {
    const found = answers.find(
      ({ answer, left }) =>
        left > 0 &&
        (answer.method === undefined || answer.method === method) &&
        (answer.path === undefined || new RegExp(answer.path).test(path)),
    );
    if (found === undefined) return { ...usual(method, path), headers: {}, delayMs: undefined };
    found.left -= 1;
    const { status = 200, headers = {}, body = {}, delayMs } = found.answer;
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return { status, headers, body: text, delayMs };
  }

  const secure = createSecureServer(
    {
      allowHTTP1: true,
      SNICallback: (name, done) => {
        contextFor(name).then((context) => done(null, context), done);
      },
    },
    (request, response) => {
      const host = request.headers[':authority'] ?? request.headers.host ?? '';
      const url = new URL(request.url ?? '/', `https://${host}`);
      take(request, response, url, { tls: true, host }).catch(() => response.destroy());
    },
  );
  await listening(secure as unknown as Server);
  const { port: securePort } = secure.address() as AddressInfo;

  async function proxy(about: VendorRequest): Promise<{ url: string; server: Server }> {
    const server = createServer((request, response) => {
      // In the absolute form that proxies get.
      const url = new URL(request.url ?? '');
      take(request, response, url, about).catch(() => response.destroy());
    });
    server.on('connect', (_, client: Socket) => {
      const upstream = connect(securePort, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        client.pipe(upstream).pipe(client);
      });
      client.on('error', () => upstream.destroy());
      upstream.on('error', () => client.destroy());
    });
    await listening(server);
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
  }

  const egress = await proxy({});
  const chosen = await proxy({ viaProxy: true });
  return {
    egress: egress.url,
    proxy: chosen.url,
    ca: own.certificate,
    requests: () => [...kept],
    clear: () => void kept.splice(0),
    answer(next, more = {}) {
      answers = next.map((answer) => ({ answer, left: answer.times ?? Number.POSITIVE_INFINITY }));
      documents = more;
    },
    async close() {
      for (const { server } of [egress, chosen]) {
        server.closeAllConnections();
        server.close();
      }
      secure.close();
    },
  };
}

async function listening(server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
}

/** The usual answers of the vendors' APIs. */
function usual(method: string, path: string): { status: number; body: string } {
  if (method === 'GET' && /\/user$/.test(path)) {
    return { status: 200, body: '{"login":"flux-bot","username":"flux-bot"}' };
  }
  if (method === 'GET' && /\/(statuses|comments|notes)$/.test(path))
    return { status: 200, body: '[]' };
  if (method === 'GET' && /\/builds?(\/|$)/.test(path)) return { status: 404, body: '{}' };
  return { status: 200, body: '{}' };
}
