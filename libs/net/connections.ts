import { X509Certificate } from 'node:crypto';
import {
  type ClientRequest,
  Agent as HttpAgent,
  type AgentOptions as HttpAgentOptions,
  request as httpRequest,
  type RequestOptions,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import {
  createSecureContext,
  DEFAULT_CIPHERS,
  getCACertificates,
  type SecureContext,
} from 'node:tls';
import {
  type AddressPolicy,
  allowedLookup,
  checkHost,
  type Resolver,
  resolveAllowed,
} from './lookup.ts';

/** The authorities and the certificate of a TLS client; all PEM. */
export interface TlsOptions {
  /** Authorities that are trusted in addition to the system's. */
  ca?: string | undefined;
  /** The client's own certificate and its key: both or neither. */
  certificate?: string | undefined;
  key?: string | undefined;
  /** Accepts any certificate of the server. */
  anyCertificate?: boolean | undefined;
}

export interface ConnectionOptions extends AddressPolicy {
  tls?: TlsOptions | undefined;
  /** URL of an HTTP proxy that a tenant chose, with its credentials: its address is checked like any other. */
  proxy?: string | undefined;
  /** The environment with the operator's `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, which are used without `proxy`. */
  environment?: NodeJS.ProcessEnv | undefined;
  /** Connections to one host at a time; further requests wait. 8 unless given. */
  maxSockets?: number | undefined;
  /** Resolves names to addresses; the system's resolver unless given. */
  resolver?: Resolver | undefined;
}

/** Connections that are kept for further requests. */
export interface Connections {
  /**
   * Opens a request to an address that the policy allows. Redirects are not followed. The caller ends the request,
   * limits what it reads and passes a signal.
   * @throws AddressRefused for an IP address that is refused, of the host or of the proxy; for a refused name it is the
   * request's `error` event. With a proxy, the proxy resolves the host's name.
   */
  open(url: URL, options: RequestOptions): Promise<ClientRequest>;
  /** Closes idle connections; the others close when their requests are done. */
  close(): void;
}

/** How long an idle connection is kept, in ms: less than the 60 s after which servers tend to close it. */
const IDLE_MS = 30_000;
const MAX_SOCKETS = 8;
/**
 * With DHE the other side chooses how expensive the key exchange is, and that blocks the only thread of the process. So
 * DHE is disabled.
 */
const CIPHERS = `${DEFAULT_CIPHERS}:!DHE`;

/**
 * Keeps connections for one set of credentials; they are not shared with users of others.
 * @throws an Error of OpenSSL for what is no certificate or no key
 */
export function keepConnections(options: ConnectionOptions): Connections {
  const { tls = {}, proxy, environment } = options;
  const shared: HttpAgentOptions = {
    keepAlive: true,
    timeout: IDLE_MS,
    maxSockets: options.maxSockets ?? MAX_SOCKETS,
    lookup: allowedLookup(options, options.resolver),
  };
  const secureContext = createContext(tls);
  let agents: { key: string; http: HttpAgent; https: HttpsAgent } | undefined;

  function agentsFor(proxyUrl: string | undefined) {
    const key = proxyUrl ?? '';
    if (agents?.key === key) return agents;
    closeAgents();
    const proxyEnv =
      proxyUrl === undefined ? environment : { HTTP_PROXY: proxyUrl, HTTPS_PROXY: proxyUrl };
    const own = { ...shared, ...(proxyEnv === undefined ? {} : { proxyEnv }) };
    const rejectUnauthorized = !tls.anyCertificate;
    const https = new HttpsAgent({ ...own, secureContext, rejectUnauthorized });
    agents = { key, http: new HttpAgent(own), https };
    return agents;
  }

  function closeAgents(): void {
    agents?.http.destroy();
    agents?.https.destroy();
    agents = undefined;
  }

  return {
    async open(url, request) {
      if (proxy === undefined) checkHost(url.hostname, options);
      const { http, https } = agentsFor(proxy && (await resolveProxy(proxy, options)));
      return url.protocol === 'https:'
        ? httpsRequest(url, { ...request, agent: https })
        : httpRequest(url, { ...request, agent: http });
    },
    close: closeAgents,
  };
}

/**
 * The proxy's URL with the checked address in place of the name, because Node would resolve the name again. For a proxy
 * with TLS the name stays: another machine has no certificate for that name.
 */
async function resolveProxy(proxy: string, options: ConnectionOptions): Promise<string> {
  const url = new URL(proxy);
  const [address] = await resolveAllowed(url.hostname, options, options.resolver);
  if (address === undefined || url.protocol === 'https:') return url.href;
  url.hostname = isIP(address) === 6 ? `[${address}]` : address;
  return url.href;
}

/**
 * The TLS context of connections.
 * @throws an Error of OpenSSL for what is no certificate or no key
 */
export function createContext({ ca, certificate, key }: TlsOptions): SecureContext {
  // OpenSSL silently treats a text without a certificate as an empty list of authorities.
  if (ca !== undefined) new X509Certificate(ca);
  return createSecureContext({
    ciphers: CIPHERS,
    ...(ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
  });
}
