import type { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from '@weir/telemetry';
import { type Caller, createCaller } from './caller.ts';
import type { Discovery, KubeClient, ListWatchEvent } from './client.ts';
import {
  type CredentialSource,
  credentialSource,
  noCredentials,
  tokenCredentials,
} from './credentials.ts';
import { type Endpoint, endpointOf } from './dial.ts';
import { createDiscovery } from './discovery.ts';
import { KubeconfigError } from './errors.ts';
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
  return open(endpoint, credentials, headers, options.log);
}

/** Opens the connections of one identity, and makes the client that uses them. */
function open(
  endpoint: Endpoint,
  credentials: CredentialSource,
  headers: Record<string, string | string[]>,
  log?: Logger,
): KubeClient {
  const transport = createTransport(endpoint, credentials, log === undefined ? {} : { log });
  const closing = new AbortController();
  const caller = createCaller(transport, headers);
  const withToken: KubeClient['withToken'] = (source) =>
    open(endpoint, tokenCredentials(source, closing.signal), pick(headers, 'user-agent'), log);
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
