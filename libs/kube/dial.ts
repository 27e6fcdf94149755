import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import type { Cluster } from '@kubernetes/client-node/dist/config_types.js';
import { type AddressPolicy, allowedLookup, checkHost, tlsProblem } from '@weir/net';
import type { ClusterAccess } from './access.ts';
import type { Credentials } from './credentials.ts';
import { ConnectionError, KubeconfigError } from './errors.ts';

/** The address of an API server, and how its certificate is verified. */
export interface Endpoint {
  url: URL;
  /** The certificate authority (PEM). It is read for every connection, because CA files are rotated. */
  ca(): Buffer | undefined;
  insecure: boolean;
  servername?: string;
  /** The proxy that a kubeconfig names. */
  proxy?: URL;
  /** The operator's own proxy, for an endpoint without one. */
  operatorProxy?: URL | undefined;
  /** Which addresses may be connected to; any where it is left out. */
  addresses?: AddressPolicy;
}

export const DIAL_TIMEOUT_MS = 10_000;
/** Where whoever names a cluster says who signed its certificate. */
const AUTHORITY =
  'certificate-authority-data of the kubeconfig, or in ca.crt of the ConfigMap that names the cluster';

/** The endpoint of a kubeconfig cluster. Throws KubeconfigError for a URL that cannot be used. */
export function endpointOf(cluster: Cluster): Endpoint {
  const url = urlOf(cluster.server, 'server', ['https:', 'http:']);
  const { caData, caFile } = cluster;
  const inline = caData ? Buffer.from(caData, 'base64') : undefined;
  return {
    url,
    ca: () => inline ?? (caFile ? readCa(caFile) : undefined),
    insecure: cluster.skipTLSVerify === true,
    ...(cluster.tlsServerName ? { servername: cluster.tlsServerName } : {}),
    ...(cluster.proxyUrl
      ? { proxy: urlOf(cluster.proxyUrl, 'proxy-url', ['http:', 'https:']) }
      : {}),
  };
}

/**
 * The endpoint that somebody else names. Its address, or that of its proxy, has to be one that the policy allows.
 * Throws KubeconfigError for a URL that cannot be used.
 */
export function endpointOfAccess(access: ClusterAccess, addresses: AddressPolicy): Endpoint {
  const { server, ca, servername, proxy, insecure } = access;
  const authority = ca === undefined ? undefined : Buffer.from(ca);
  const url = urlOf(server, 'server', ['https:', 'http:']);
  if (url.username !== '' || url.password !== '') {
    throw new KubeconfigError("the cluster's server has to be a URL without a user");
  }
  return {
    url,
    ca: () => authority,
    insecure,
    addresses,
    ...(servername === undefined ? {} : { servername }),
    ...(proxy === undefined ? {} : { proxy: urlOf(proxy, 'proxy-url', ['http:', 'https:']) }),
  };
}

function urlOf(text: string, field: string, protocols: string[]): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !protocols.includes(url.protocol)) {
    const schemes = protocols.map((protocol) => `${protocol}//`).join(' or ');
    throw new KubeconfigError(`the cluster's ${field} has to be a URL with ${schemes}`);
  }
  return url;
}

function readCa(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    throw new KubeconfigError(`cannot read the certificate authority ${path}`);
  }
}

/**
 * Opens a TLS connection to the endpoint, through its proxy if it has one. The certificate is verified and the protocol
 * negotiated (ALPN) when it resolves. Rejects with ConnectionError, after 10 seconds at the latest; no request was sent.
 */
export async function dial(
  endpoint: Endpoint,
  credentials: Credentials,
  alpn: string[],
  timeoutMs = DIAL_TIMEOUT_MS,
): Promise<TLSSocket> {
  const { hostname, port } = addressOf(endpoint.url);
  const until = AbortSignal.timeout(timeoutMs);
  const { addresses } = endpoint;
  try {
    const tunnel = await tunnelTo(endpoint, until);
    if (tunnel === undefined && addresses !== undefined) checkHost(hostname, addresses);
    const servername = endpoint.servername ?? (isIP(hostname) ? undefined : hostname);
    const ca = endpoint.ca();
    const socket = tlsConnect({
      ...(tunnel ? { socket: tunnel } : { host: hostname, port, ...lookupBy(addresses) }),
      ...(servername === undefined ? {} : { servername }),
      ...(ca === undefined ? {} : { ca }),
      ...(credentials.cert === undefined ? {} : { cert: credentials.cert }),
      ...(credentials.key === undefined ? {} : { key: credentials.key }),
      rejectUnauthorized: !endpoint.insecure,
      ALPNProtocols: alpn,
    });
    await opened(socket, 'secureConnect', until);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 30_000);
    return socket;
  } catch (cause) {
    if (cause instanceof KubeconfigError) throw cause;
    throw new ConnectionError(`cannot reach ${endpoint.url.origin}: ${describe(cause)}`, {
      sent: false,
      cause,
    });
  }
}

/**
 * The message of an error. An AggregateError, which Node throws when all addresses of a name failed, has no message of
 * its own: the first error in it is used.
 */
export function describe(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return describe(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  const problem = tlsProblem(error, AUTHORITY);
  return problem ?? (error.message || ('code' in error ? String(error.code) : error.name));
}

function addressOf(url: URL): { hostname: string; port: number } {
  const hostname = url.hostname.replace(/^\[|\]$/g, '');
  return { hostname, port: Number(url.port || (url.protocol === 'http:' ? 80 : 443)) };
}

function opened(socket: TLSSocket, event: string, until: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error) => {
      until.removeEventListener('abort', late);
      socket.off(event, settle).off('error', settle).off('close', closed);
      if (error === undefined) return resolve();
      socket.on('error', () => undefined).destroy();
      reject(error);
    };
    const late = () => settle(new Error('timed out while connecting'));
    const closed = () => settle(new Error('closed while connecting'));
    until.addEventListener('abort', late);
    socket.once(event, settle).once('error', settle).once('close', closed);
  });
}

/** Node looks up no host that is an IP address: `checkHost` checks these. */
export function lookupBy(addresses: AddressPolicy | undefined) {
  return addresses === undefined ? {} : { lookup: allowedLookup(addresses) };
}

/** Undefined for an endpoint without a proxy. The proxy resolves the host's name, so its rules decide about that address. */
async function tunnelTo(
  { url, proxy, operatorProxy, addresses }: Endpoint,
  until: AbortSignal,
): Promise<Socket | undefined> {
  const { hostname, port } = addressOf(url);
  if (proxy === undefined) {
    return operatorProxy && tunnelThrough(operatorProxy, hostname, port, until, undefined);
  }
  if (addresses !== undefined) checkHost(proxy.hostname, addresses);
  return tunnelThrough(proxy, hostname, port, until, addresses);
}

/**
 * Opens a tunnel through an HTTP proxy by CONNECT (RFC 9110 9.3.6). The user and password of the proxy's URL are sent
 * as basic authentication.
 */
function tunnelThrough(
  proxy: URL,
  hostname: string,
  port: number,
  until: AbortSignal,
  addresses: AddressPolicy | undefined,
): Promise<Socket> {
  const target = `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`;
  const login = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const request = (proxy.protocol === 'https:' ? httpsRequest : httpRequest)({
    ...addressOf(proxy),
    host: addressOf(proxy).hostname,
    ...lookupBy(addresses),
    method: 'CONNECT',
    path: target,
    agent: false,
    signal: until,
    headers: {
      host: target,
      ...(proxy.username
        ? { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` }
        : {}),
    },
  });
  return new Promise((resolve, reject) => {
    request.once('connect', (response, socket) => {
      if (response.statusCode === 200) return resolve(socket);
      socket.destroy();
      reject(new Error(`proxy ${proxy.host} answered ${response.statusCode} to CONNECT`));
    });
    request.once('response', (response) => {
      response.resume();
      reject(new Error(`proxy ${proxy.host} answered ${response.statusCode} to CONNECT`));
    });
    request.once('error', (cause) =>
      reject(new Error(`proxy ${proxy.host}: ${describe(cause)}`, { cause })),
    );
    request.end();
  });
}
