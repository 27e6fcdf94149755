import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type RequestOptions,
} from 'node:http';
import {
  Agent as HttpsAgent,
  request as httpsRequest,
  type RequestOptions as TlsRequestOptions,
} from 'node:https';
import { type AddressPolicy, allowedLookup, checkHost, type Resolver } from './lookup.ts';

export interface RequestPolicy extends AddressPolicy {
  /** URL of the operator's proxy, see `proxyFor`; it resolves the name. */
  proxy?: string | undefined;
  /** Resolves the name, for callers that know the addresses; the system's resolver unless given. */
  resolver?: Resolver | undefined;
}

/**
 * Opens an HTTP(S) request to an address that the policy allows, on a connection of its own. Redirects are not
 * followed. The caller ends the request, limits what it reads and passes a signal.
 * @throws AddressRefused for a URL with a refused IP address; for a refused name it is the request's `error` event
 */
export function openRequest(
  url: URL,
  options: RequestOptions & TlsRequestOptions,
  { proxy, resolver, ...policy }: RequestPolicy = {},
): ClientRequest {
  checkHost(url.hostname, policy);
  const tls = url.protocol === 'https:';
  const send = tls ? httpsRequest : httpRequest;
  if (proxy === undefined) {
    return send(url, { agent: false, ...options, lookup: allowedLookup(policy, resolver) });
  }
  const proxyEnv = { HTTP_PROXY: proxy, HTTPS_PROXY: proxy };
  const agent = tls ? new HttpsAgent({ proxyEnv }) : new HttpAgent({ proxyEnv });
  return send(url, { ...options, agent });
}
