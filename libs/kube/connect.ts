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
  /** The whole User-Agent; userAgent(service) when not given. */
  userAgent?: string;
  log?: Logger;
}

/** `weir/<version> (<service>)`, which the API server's audit log and metrics then show. */
export function userAgent(service?: string): string {
  return service === undefined
    ? `weir/${manifest.version}`
    : `weir/${manifest.version} (${service})`;
}

/**
 * A client for the cluster that a kubeconfig (a path, or client-node's object) names; without one KUBECONFIG,
 * the pod's service account, or ~/.kube/config. Returns at once and connects with the first request.
 * Throws KubeconfigError for a configuration that cannot work.
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

/** One identity's connections, and the client over them. */
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
    paceMs: caller.pace.ms,
    request: (raw) => caller.request(raw),
    ...createVerbs(caller),
    list: (type, options = {}) => listAll(caller, type, options),
    listWatch<T extends KubeObject>(...[type, options]: Parameters<KubeClient['listWatch']>) {
      const signal = AbortSignal.any([options.signal, shared.closing]);
      return listWatch<T>(caller, type, { ...options, signal }) as AsyncIterable<ListWatchEvent<T>>;
    },
    // What the API server serves is the same for all who may ask, so discovery stays the client's own.
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
