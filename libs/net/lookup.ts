import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { AddressRefused, addressClass, checkAddress } from './address.ts';

/** Which addresses a service may connect to on behalf of a tenant. */
export interface AddressPolicy {
  /** Allows every address, loopback and link-local among them (`--allow-local-addresses`; tests). */
  allowLocal?: boolean | undefined;
}

/** Resolves names to addresses; the system's resolver unless a test gives another. */
export type Resolver = (
  host: string,
  options: LookupOptions & { all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * A `lookup` for the options of `http.request`, `https.request` and `net.connect`, which checks the addresses of a
 * name: the connection goes to a checked address, as the name isn't resolved a second time. Refused addresses are left
 * out; if none is left it fails with AddressRefused. Node calls no `lookup` for a host that is an IP address: use
 * `openRequest`, or call `checkHost` before.
 */
export function allowedLookup(
  policy: AddressPolicy = {},
  resolver: Resolver = systemLookup,
): LookupFunction {
  return (hostname, options, callback) => {
    resolver(hostname, { ...options, all: true }, (error, found) => {
      // With `all` the callback takes a list, else one address and its family (dns.lookup).
      const fail = (cause: NodeJS.ErrnoException) => callback(cause, options.all ? [] : '', 0);
      if (error) return fail(error);
      const allowed = policy.allowLocal ? found : found.filter(isAllowed);
      const [first] = allowed;
      if (first === undefined) return fail(refusal(hostname, found));
      if (options.all) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

function isAllowed({ address }: LookupAddress): boolean {
  return addressClass(address) === undefined;
}

function refusal(hostname: string, found: readonly LookupAddress[]): NodeJS.ErrnoException {
  for (const { address } of found) {
    const kind = addressClass(address);
    if (kind !== undefined) return new AddressRefused(hostname, address, kind);
  }
  const error: NodeJS.ErrnoException = new Error(`'${hostname}' has no address`);
  error.code = 'ENOTFOUND';
  return error;
}

/** Checks a host that is written as an IP address, with or without the brackets of a URL; names are not checked. */
export function checkHost(host: string, policy: AddressPolicy = {}): void {
  const address = withoutBrackets(host);
  if (!policy.allowLocal && isIP(address) !== 0) checkAddress(address);
}

/**
 * The allowed addresses of a host, for a program that gets the address with the name.
 * @param host a name, or an IP address with or without brackets
 * @throws AddressRefused; the system's error (`code` ENOTFOUND, EAI_AGAIN ...) when the name doesn't resolve
 */
export async function resolveAllowed(
  host: string,
  policy: AddressPolicy = {},
  resolver: Resolver = systemLookup,
): Promise<string[]> {
  checkHost(host, policy);
  const name = withoutBrackets(host);
  if (isIP(name) !== 0) return [name];
  const { promise, resolve, reject } = Promise.withResolvers<string[]>();
  allowedLookup(policy, resolver)(name, { all: true }, (error, found) => {
    if (error) reject(error);
    else resolve((found as LookupAddress[]).map(({ address }) => address));
  });
  return promise;
}

function withoutBrackets(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}
