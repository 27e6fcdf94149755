// One registry, spoken to by one holder of credentials: scheme, authorization, retries, redirects.
import type { IncomingMessage } from 'node:http';
import {
  type ConnectionOptions,
  type Connections,
  discard,
  keepConnections,
  type TlsOptions,
} from '@weir/net';
import { errorOf, readBody } from './answer.ts';
import { createAuthorizer } from './authorizer.ts';
import type { Credentials } from './docker-config.ts';
import { OciError } from './errors.ts';
import { followRedirects } from './redirect.ts';
import { DEFAULT_RETRY, type RetryOptions, withRetries } from './retry.ts';
import { createSchemeChoice } from './scheme.ts';
import { describe, send } from './transport.ts';

export interface RegistryOptions {
  /** Host, with the port where one is given. */
  registry: string;
  credentials?: Credentials | undefined;
  tls?: Omit<TlsOptions, 'anyCertificate'> | undefined;
  /**
   * Speaks HTTP where the registry has no TLS, and takes any certificate where it has and `tls` is not given. HTTP is
   * tried in any case for 127.0.0.1, ::1, private IPv4 addresses, `localhost` and `*.localhost`.
   */
  insecure?: boolean | undefined;
  /** Checks the certificate of a registry that has TLS, also where it is `insecure`. */
  checkCertificate?: boolean | undefined;
  /** URL of an HTTP proxy, with its credentials. */
  proxy?: string | undefined;
  environment?: NodeJS.ProcessEnv | undefined;
  /** Allows addresses of this machine and its link. */
  allowLocal?: boolean | undefined;
  retry?: RetryOptions | undefined;
  /** How long to wait for a connection, in ms; 10 s unless given. */
  connectTimeoutMs?: number | undefined;
}

export interface SessionRequest {
  method: 'GET' | 'HEAD';
  /** Below `/v2/`, with the query. */
  path: string;
  /** Such as `repository:org/app:pull`. */
  scope: string;
  accept?: string;
  /** The answer may be 304 for what has this ETag (RFC 9110, 13.1.2). */
  ifNoneMatch?: string;
  signal: AbortSignal;
}

export interface Answer {
  response: IncomingMessage;
  /** Method and URL, for messages. */
  what: string;
  /** Where the answer came from. */
  url: URL;
}

export interface Session {
  /**
   * Sends a request and gives an answer whose status is 2xx, after redirects, or 304 where the request is conditional. The
   * caller reads or destroys it.
   * @throws OciError
   */
  request(request: SessionRequest): Promise<Answer>;
  /** Closes the connections that are kept. */
  close(): void;
}

const CONNECT_TIMEOUT_MS = 10_000;
const MAX_TOKEN_ANSWER = 64 * 1024;
const USER_AGENT = 'weir/v1';

/** @throws OciError InvalidConfiguration for what is no certificate or key */
export function openSession(options: RegistryOptions): Session {
  const { registry, tls, insecure = false, retry = DEFAULT_RETRY } = options;
  const { connectTimeoutMs = CONNECT_TIMEOUT_MS } = options;
  const shared: ConnectionOptions = {
    allowLocal: options.allowLocal,
    proxy: options.proxy,
    environment: options.environment,
  };
  const anyCertificate = insecure && tls === undefined && !options.checkCertificate;
  const own = connectionsWith({ ...shared, tls: { ...tls, anyCertificate } });
  // Another host than the registry doesn't get to see the client's certificate.
  const foreign = connectionsWith({ ...shared, tls: { ca: tls?.ca, anyCertificate } });
  const choice = createSchemeChoice(registry, insecure);
  const authorizer = createAuthorizer({ credentials: options.credentials, sendToken });

  async function sendToken(
    request: Parameters<Parameters<typeof createAuthorizer>[0]['sendToken']>[0],
  ): Promise<Buffer> {
    const connections = request.url.host === registry ? own : foreign;
    const what = describe(request);
    const headers = { 'user-agent': USER_AGENT, ...request.headers };
    const response = await send(connections, { ...request, headers, connectTimeoutMs });
    if (response.statusCode !== 200) throw await errorOf(response, what, request.signal);
    return readBody(response, { maxBytes: MAX_TOKEN_ANSWER, what, signal: request.signal });
  }

  async function sendOnce(scheme: string, request: SessionRequest): Promise<Answer> {
    const { method, path, scope, accept, ifNoneMatch, signal } = request;
    const url = new URL(`${scheme}//${registry}/v2/${path}`);
    const what = describe({ method, url });
    const headers = {
      'user-agent': USER_AGENT,
      ...(accept === undefined ? {} : { accept }),
      ...(ifNoneMatch === undefined ? {} : { 'if-none-match': ifNoneMatch }),
    };
    const attempt = (authorization: string | undefined) =>
      send(own, {
        ...{ method, url, signal, connectTimeoutMs },
        headers: { ...headers, ...(authorization === undefined ? {} : { authorization }) },
      });
    const sent = await authorizer.header(scope, signal);
    let response = await attempt(sent);
    if (response.statusCode === 401) {
      const again = await authorizer.answer(response, { scope, sent, registry: url, signal });
      if (again !== undefined) {
        discard(response);
        response = await attempt(again);
      }
    }
    const answer = await followRedirects({ response, url, method }, (to) =>
      send(to.host === url.host ? own : foreign, {
        ...{ method, url: to, headers, signal, connectTimeoutMs },
      }),
    );
    const status = answer.response.statusCode ?? 0;
    const isUnchanged = status === 304 && ifNoneMatch !== undefined;
    if (!isUnchanged && (status < 200 || status > 299))
      throw await errorOf(answer.response, what, signal);
    return { response: answer.response, what, url: answer.url };
  }

  return {
    request: (request) =>
      withRetries(() => choice.use((scheme) => sendOnce(scheme, request)), {
        ...{ retry, signal: request.signal },
        what: `${request.method} ${registry}/v2/${request.path}`,
      }),
    close() {
      own.close();
      foreign.close();
    },
  };
}

function connectionsWith(options: ConnectionOptions): Connections {
  try {
    return keepConnections(options);
  } catch (cause) {
    const message = 'a certificate or key is not what it should be in PEM';
    throw new OciError('InvalidConfiguration', message, { cause });
  }
}
