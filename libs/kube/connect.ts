import type { KubeConfig } from '@kubernetes/client-node';
import { type AddressPolicy, proxyFor } from '@weir/net';
import type { Logger } from '@weir/telemetry';
import type { ClusterAccess } from './access.ts';
import { type Caller, createCaller } from './caller.ts';
import type { Discovery, KubeClient, ListWatchEvent, TokenSource } from './client.ts';
import {
  type CredentialSource,
  credentialSource,
  noCredentials,
  tokenCredentials,
} from './credentials.ts';
import { type Endpoint, endpointOf, endpointOfAccess } from './dial.ts';
import { createDiscovery } from './discovery.ts';
import { KubeconfigError } from './errors.ts';
import { execCredentials } from './exec-plugin.ts';
import { boundedTransport } from './foreign.ts';
import { type Impersonation, impersonationHeaders } from './impersonate.ts';
import { type Access, loadAccess } from './kubeconfig.ts';
import { listAll } from './list.ts';
import { listWatch } from './list-watch.ts';
import type { KubeObject } from './object.ts';
import manifest from './package.json' with { type: 'json' };
import { createTransport } from './transport.ts';
import { createVerbs } from './verbs.ts';

export interface ConnectOptions {
  /** The User-Agent header; `userAgent()` when not given. */
  userAgent?: string;
  log?: Logger;
}

/** The User-Agent `weir/<version> (<service>)`, by which the API server's audit log and metrics tell services apart. */
export function userAgent(service?: string): string {
  return service === undefined
    ? `weir/${manifest.version}`
    : `weir/${manifest.version} (${service})`;
}

/**
 * Makes a client for the cluster of a kubeconfig, given as a path or as an object of `@kubernetes/client-node`.
 * Without one it uses KUBECONFIG, the pod's service account or ~/.kube/config, the first of these that exists.
 * It returns at once and connects with the first request. Throws KubeconfigError for an unusable configuration.
 */
export function connectKube(
  config: { kubeconfig?: string } | KubeConfig = {},
  options: ConnectOptions = {},
): KubeClient {
  const given = isKubeConfig(config) ? config : undefined;
  const access = isKubeConfig(config) ? accessOf(config) : loadAccess(config.kubeconfig);
  const endpoint = endpointOf(access.cluster);
  const credentials =
    endpoint.url.protocol === 'https:' ? credentialSource(access, given) : noCredentials();
  const headers = {
    'user-agent': options.userAgent ?? userAgent(),
    ...(access.impersonate ? impersonationHeaders(access.impersonate) : {}),
  };
  return open(endpoint, credentials, headers, { log: options.log });
}

export interface ClusterOptions extends ConnectOptions {
  /** Which addresses the API server or its proxy may have. */
  addresses: AddressPolicy;
  /** Where the operator's proxies are looked up (`HTTPS_PROXY`, `NO_PROXY`), for servers without a proxy of their own. */
  environment?: NodeJS.ProcessEnv;
  /** Gives the bearer token, in place of the credentials of `access`. */
  token?: TokenSource | undefined;
}

/**
 * Makes a client for an API server that somebody else names. It returns at once and connects with the first request. What
 * the server answers has bounds, and texts of it that are no Status are not quoted. Throws KubeconfigError.
 */
export function connectCluster(access: ClusterAccess, options: ClusterOptions): KubeClient {
  const { addresses, environment = {}, token, log } = options;
  const endpoint = endpointOfAccess(access, addresses);
  const proxy = endpoint.proxy === undefined ? proxyFor(endpoint.url, environment) : undefined;
  if (proxy !== undefined) endpoint.operatorProxy = new URL(proxy);
  const closing = new AbortController();
  const headers = {
    'user-agent': options.userAgent ?? userAgent(),
    ...(access.impersonate ? impersonationHeaders(access.impersonate) : {}),
  };
  const credentials = credentialsOf(access, endpoint, token, closing.signal);
  return open(endpoint, credentials, headers, { log, closing, isForeign: true });
}

function credentialsOf(
  access: ClusterAccess,
  { url }: Endpoint,
  token: TokenSource | undefined,
  closing: AbortSignal,
): CredentialSource {
  if (url.protocol !== 'https:') return noCredentials();
  if (token !== undefined) return tokenCredentials(token, closing);
  const { credentials, exec } = access;
  const isEmpty = Object.keys(credentials).length === 0;
  if (exec !== undefined && isEmpty) return execCredentials(access, exec);
  return { current: () => credentials, renew: () => undefined };
}

interface OpenOptions {
  log?: Logger | undefined;
  closing?: AbortController;
  /** Whether the server was chosen by somebody who isn't trusted. */
  isForeign?: boolean;
}

/** Opens the connections of one identity, and makes the client that uses them. */
function open(
  endpoint: Endpoint,
  credentials: CredentialSource,
  headers: Record<string, string | string[]>,
  { log, closing = new AbortController(), isForeign = false }: OpenOptions,
): KubeClient {
  const own = createTransport(endpoint, credentials, log === undefined ? {} : { log });
  const transport = isForeign ? boundedTransport(own) : own;
  const caller = createCaller(transport, headers);
  const withToken: KubeClient['withToken'] = (source) =>
    open(endpoint, tokenCredentials(source, closing.signal), pick(headers, 'user-agent'), {
      log,
      isForeign,
    });
  const shared: Shared = {
    server: endpoint.url.href.replace(/\/$/, ''),
    closing: closing.signal,
    discovery: createDiscovery(caller),
    withToken,
  };
  return clientOver(caller, shared, async () => {
    closing.abort();
    await transport.close();
  });
}

interface Shared {
  server: string;
  closing: AbortSignal;
  discovery: Discovery;
  withToken: KubeClient['withToken'];
}

function clientOver(caller: Caller, shared: Shared, close: () => Promise<void>): KubeClient {
  return {
    server: shared.server,
    discovery: shared.discovery,
    latencyMs: caller.latency.ms,
    request: (raw) => caller.request(raw),
    ...createVerbs(caller),
    list: (type, options = {}) => listAll(caller, type, options),
    listWatch<T extends KubeObject>(...[type, options]: Parameters<KubeClient['listWatch']>) {
      const signal = AbortSignal.any([options.signal, shared.closing]);
      return listWatch<T>(caller, type, { ...options, signal }) as AsyncIterable<ListWatchEvent<T>>;
    },
    // The API server serves the same kinds to everybody, so an impersonating client shares the discovery cache.
    impersonate: (as: Impersonation) =>
      clientOver(caller.with(impersonationHeaders(as)), shared, async () => undefined),
    withToken: shared.withToken,
    close,
  };
}

function accessOf(config: KubeConfig): Access {
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    throw new KubeconfigError('the kubeconfig has no current context with a cluster');
  }
  const user = config.getCurrentUser() ?? { name: 'anonymous' };
  return user.impersonateUser
    ? { cluster, user, impersonate: { user: user.impersonateUser } }
    : { cluster, user };
}

function isKubeConfig(config: { kubeconfig?: string } | KubeConfig): config is KubeConfig {
  return 'getCurrentCluster' in config;
}

function pick<T>(from: Record<string, T>, name: string): Record<string, T> {
  const value = from[name];
  return value === undefined ? {} : { [name]: value };
}
