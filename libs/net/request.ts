import { type ClientRequest, request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest, type RequestOptions as TlsRequestOptions } from 'node:https';
import { type AddressPolicy, allowedLookup, checkHost } from './lookup.ts';

/**
 * Opens an HTTP(S) request to an address that the policy allows, on a connection of its own. Redirects are not followed
 * (node:http follows none). The caller ends the request, bounds what it reads and passes a signal.
 * @throws AddressRefused for a URL with a refused IP address; for a refused name it is the request's `error` event
 */
export function openRequest(
  url: URL,
  options: RequestOptions & TlsRequestOptions,
  policy: AddressPolicy = {},
): ClientRequest {
  checkHost(url.hostname, policy);
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return send(url, { agent: false, ...options, lookup: allowedLookup(policy) });
}
