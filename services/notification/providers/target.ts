import type { Provider } from '@weir/api';
import { parseDuration } from '@weir/api';
import { isNotFound, type KubeClient, type KubeObject, Secret } from '@weir/kube';
import { DeliveryError } from '../delivery/errors.ts';
import { type Certificates, readCertificates } from './certificates.ts';
import { parseHeaders } from './headers.ts';

const DEFAULT_TIMEOUT_MS = 15_000;
/** An attempt holds a slot that others wait for. */
const MAX_TIMEOUT_MS = 30_000;
const MAX_ADDRESS_BYTES = 2048;
/** Keys of a Secret that a Provider looks at (Flux's Provider spec). */
const KEYS = ['address', 'username', 'password', 'token', 'headers', 'proxy'] as const;
const CERTIFICATES = ['ca.crt', 'tls.crt', 'tls.key', 'caFile', 'certFile', 'keyFile'] as const;

/** Where a provider's messages go and with what credentials: its spec and its Secrets in one. */
export interface Target {
  /** Namespace of the Provider: in whose name connections are made. */
  namespace: string;
  address: string;
  channel?: string;
  username?: string;
  password?: string;
  token?: string;
  headers: Record<string, string>;
  proxy?: string;
  tls?: Certificates;
}

/** Reads a target until `signal` aborts; see `readTarget`. */
export type ReadTarget = (provider: Provider, signal: AbortSignal) => Promise<Target>;

type Data = Record<string, string>;

/** How long one attempt may take from its beginning to the answer's end, in ms: `spec.timeout`, 30 s at most. */
export function timeLimitMs(provider: Provider | undefined): number {
  const timeout = provider?.spec.timeout;
  return timeout ? Math.min(parseDuration(timeout), MAX_TIMEOUT_MS) : DEFAULT_TIMEOUT_MS;
}

/**
 * Reads what a Provider and the Secrets that it names say. Rejects with a DeliveryError (reason `InvalidProvider`) that
 * names the object and the key to mend, and with the API server's error. Keys of the Secrets: Flux's Provider spec.
 */
export async function readTarget(
  client: KubeClient,
  provider: Provider,
  signal: AbortSignal,
): Promise<Target> {
  const { spec } = provider;
  const read = (ref: { name: string } | undefined, keys: readonly string[]) =>
    readSecret(client, provider, ref, keys, signal);
  const [secret, proxySecret, certSecret] = await Promise.all([
    read(spec.secretRef, KEYS),
    read(spec.proxySecretRef, KEYS),
    read(spec.certSecretRef, CERTIFICATES),
  ]);
  const headers = secret?.headers;
  return {
    namespace: provider.metadata.namespace ?? '',
    address: addressOf(provider, secret),
    headers:
      headers === undefined
        ? {}
        : usable(provider, "'headers' in the secret", () => parseHeaders(headers)),
    ...present({
      channel: spec.channel,
      username: secret?.username ?? spec.username,
      password: secret?.password,
      token: tokenOf(provider, secret),
      proxy: proxyOf(provider, proxySecret, secret),
      tls:
        certSecret &&
        usable(provider, 'the certificate secret', () => readCertificates(certSecret)),
    }),
  };
}

async function readSecret(
  client: KubeClient,
  provider: Provider,
  ref: { name: string } | undefined,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<Data | undefined> {
  if (!ref) return undefined;
  const { namespace } = provider.metadata;
  const where = { name: ref.name, ...(namespace ? { namespace } : {}) };
  const secret = await client
    .get<KubeObject & { data?: Data }>(Secret, where, { signal })
    .catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
      throw invalid(provider, `secret '${namespace}/${ref.name}' not found: create it`);
    });
  return Object.fromEntries(
    Object.entries(secret.data ?? {})
      .filter(([key]) => keys.includes(key))
      .map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  );
}

function addressOf(provider: Provider, secret: Data | undefined): string {
  const address = secret?.address?.trim() ?? provider.spec.address ?? '';
  if (!address) {
    throw invalid(provider, "no address: set spec.address, or 'address' in the secret it names");
  }
  checkLength(provider, 'address', address);
  if (!isHttpUrl(address)) {
    // An address holds the webhook's secret as often as not, so it isn't repeated.
    throw invalid(provider, 'the address is not an http or https URL');
  }
  return address;
}

function tokenOf(provider: Provider, secret: Data | undefined): string | undefined {
  const token = secret?.token?.trim();
  if (token === undefined || /^[\x21-\x7e]*$/.test(token)) return token;
  throw invalid(provider, "'token' in the secret holds characters that no header can have");
}

function proxyOf(
  provider: Provider,
  proxySecret: Data | undefined,
  secret: Data | undefined,
): string | undefined {
  const address = proxySecret
    ? (proxySecret.address?.trim() ?? '')
    : (secret?.proxy?.trim() ?? provider.spec.proxy);
  if (address === undefined) return undefined;
  checkLength(provider, 'proxy', address);
  if (!isHttpUrl(address)) {
    const where = proxySecret ? " under 'address' in the proxy's secret" : '';
    throw invalid(provider, `the proxy needs an http or https URL${where}`);
  }
  const url = new URL(address);
  if (proxySecret?.username) url.username = encodeURIComponent(proxySecret.username);
  if (proxySecret?.password) url.password = encodeURIComponent(proxySecret.password);
  return url.href;
}

function checkLength(provider: Provider, what: string, address: string): void {
  if (Buffer.byteLength(address) <= MAX_ADDRESS_BYTES) return;
  throw invalid(provider, `${what} exceeds maximum length of ${MAX_ADDRESS_BYTES} bytes`);
}

function isHttpUrl(address: string): boolean {
  return /^https?:$/.test(URL.parse(address)?.protocol ?? '');
}

/** What `read` reads; its error says what is wrong with `what` of the provider. */
function usable<T>(provider: Provider, what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw invalid(provider, `${what} ${why}`, error);
  }
}

function invalid(provider: Provider, message: string, cause?: unknown): DeliveryError {
  const name = `${provider.metadata.namespace}/${provider.metadata.name}`;
  return new DeliveryError('InvalidProvider', `provider '${name}': ${message}`, { cause });
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function present<T extends object>(fields: T): Present<T> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Present<T>;
}
