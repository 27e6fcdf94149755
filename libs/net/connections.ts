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

/** What a client trusts and shows in TLS; all PEM. */
export interface TlsOptions {
  /** Authorities that count besides those of the system. */
  ca?: string | undefined;
  /** The client's own certificate and its key: both or neither. */
  certificate?: string | undefined;
  key?: string | undefined;
  /** Takes any certificate of the server. */
  anyCertificate?: boolean | undefined;
}

export interface ConnectionOptions extends AddressPolicy {
  tls?: TlsOptions | undefined;
  /** URL of an HTTP proxy that a tenant chose, with its credentials: its address is checked as any other. */
  proxy?: string | undefined;
  /** Where `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` of the operator are looked up; they count without `proxy`. */
  environment?: NodeJS.ProcessEnv | undefined;
  /** Connections to one host at a time; further requests wait. 8 unless given. */
  maxSockets?: number | undefined;
  /** How names become addresses; the system's resolver unless given. */
  resolver?: Resolver | undefined;
}

/** Connections that are kept for further requests. */
export interface Connections {
  /**
   * Opens a request to an address that the policy allows. Redirects are not followed. The caller ends the request, bounds
   * what it reads and passes a signal.
   * @throws AddressRefused for an IP address that is refused, of the host or of the proxy; for a refused name it is the
   *   request's `error` event. With a proxy the host's name is the proxy's to resolve.
   */
  open(url: URL, options: RequestOptions): Promise<ClientRequest>;
  /** Closes the connections that nobody uses; the others close when they are done. */
  close(): void;
}

/** How long a connection that nobody uses is kept, in ms: less than the 60 s after which servers tend to close it. */
const IDLE_MS = 30_000;
const MAX_SOCKETS = 8;
/** The other side chooses what a key exchange with DHE costs, and that runs on the only thread of the process: there is none. */
const CIPHERS = `${DEFAULT_CIPHERS}:!DHE`;

/**
 * Keeps connections for one holder of credentials: they are shared with nobody who has others.
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
 * The proxy's URL with the address that was checked in place of the name, as Node would resolve the name again. The name
 * stays for a proxy that speaks TLS: a machine that isn't the proxy has no certificate of that name.
 */
async function resolveProxy(proxy: string, options: ConnectionOptions): Promise<string> {
  const url = new URL(proxy);
  const [address] = await resolveAllowed(url.hostname, options, options.resolver);
  if (address === undefined || url.protocol === 'https:') return url.href;
  url.hostname = isIP(address) === 6 ? `[${address}]` : address;
  return url.href;
}

/**
 * What a connection trusts and shows.
 * @throws an Error of OpenSSL for what is no certificate or no key
 */
export function createContext({ ca, certificate, key }: TlsOptions): SecureContext {
  // OpenSSL takes a text without a certificate for an empty list of authorities, and says nothing.
  if (ca !== undefined) new X509Certificate(ca);
  return createSecureContext({
    ciphers: CIPHERS,
    ...(ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
  });
}
