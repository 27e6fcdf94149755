import type { Provider } from '@weir/api';
import { parseDuration } from '@weir/api';
import { isNotFound, type KubeClient, type KubeObject, Secret } from '@weir/kube';
import { parse as parseYaml } from 'yaml';
import { DeliveryError } from '../delivery/errors.ts';

const DEFAULT_TIMEOUT_MS = 15_000;
const MAX_ADDRESS_BYTES = 2048;

/** Where a provider's messages go and with what credentials: its spec and its Secrets in one. */
export interface Target {
  address: string;
  channel?: string;
  username?: string;
  password?: string;
  token?: string;
  headers: Record<string, string>;
  proxy?: string;
  tls?: { ca?: string; cert?: string; key?: string };
  timeoutMs: number;
}

type Data = Record<string, string>;

/**
 * Reads what a Provider and the Secrets that it names say. Fails with a DeliveryError (reason
 * `InvalidProvider`) that names the object and the key to mend.
 * Keys of the Secrets: Flux's Provider spec, v1beta3.
 */
export async function resolveTarget(client: KubeClient, provider: Provider): Promise<Target> {
  const { spec } = provider;
  const read = (ref: { name: string } | undefined) => readSecret(client, provider, ref);
  const [secret, proxySecret, certSecret] = await Promise.all([
    read(spec.secretRef),
    read(spec.proxySecretRef),
    read(spec.certSecretRef),
  ]);
  const target: Target = {
    address: addressOf(provider, secret),
    headers: headersOf(provider, secret),
    timeoutMs: spec.timeout ? parseDuration(spec.timeout) : DEFAULT_TIMEOUT_MS,
  };
  return {
    ...target,
    ...present({
      channel: spec.channel,
      username: secret?.username ?? spec.username,
      password: secret?.password,
      token: secret?.token?.trim(),
      proxy: proxyOf(provider, proxySecret, secret),
      tls: certSecret && tlsOf(provider, certSecret),
    }),
  };
}

async function readSecret(
  client: KubeClient,
  provider: Provider,
  ref: { name: string } | undefined,
): Promise<Data | undefined> {
  if (!ref) return undefined;
  const { namespace } = provider.metadata;
  const where = { name: ref.name, ...(namespace ? { namespace } : {}) };
  const secret = await client
    .get<KubeObject & { data?: Data }>(Secret, where)
    .catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
      throw invalid(provider, `secret '${namespace}/${ref.name}' not found: create it`);
    });
  return Object.fromEntries(
    Object.entries(secret.data ?? {}).map(([key, value]) => [
      key,
      Buffer.from(value, 'base64').toString('utf8'),
    ]),
  );
}

function addressOf(provider: Provider, secret: Data | undefined): string {
  const address = secret?.address?.trim() ?? provider.spec.address ?? '';
  if (!address) {
    throw invalid(provider, "no address: set spec.address, or 'address' in the secret it names");
  }
  if (Buffer.byteLength(address) > MAX_ADDRESS_BYTES) {
    throw invalid(provider, `address exceeds maximum length of ${MAX_ADDRESS_BYTES} bytes`);
  }
  if (!isHttpUrl(address)) {
    // An address holds the webhook's secret as often as not, so it isn't repeated.
    throw invalid(provider, 'the address is not an http or https URL');
  }
  return address;
}

function headersOf(provider: Provider, secret: Data | undefined): Record<string, string> {
  const text = secret?.headers;
  if (text === undefined) return {};
  const headers: unknown = parseHeaders(provider, text);
  if (headers === null) return {};
  if (typeof headers !== 'object' || Array.isArray(headers)) {
    throw invalid(provider, "'headers' in the secret must be a YAML map of names to values");
  }
  return Object.fromEntries(Object.entries(headers).map(([key, value]) => [key, String(value)]));
}

function parseHeaders(provider: Provider, text: string): unknown {
  try {
    return parseYaml(text);
  } catch (error) {
    // The parser's message quotes the line, which may hold a credential: only its kind is told.
    throw invalid(provider, "'headers' in the secret is not valid YAML", error);
  }
}

function proxyOf(
  provider: Provider,
  proxySecret: Data | undefined,
  secret: Data | undefined,
): string | undefined {
  if (!proxySecret) return secret?.proxy?.trim() ?? provider.spec.proxy;
  const address = proxySecret.address?.trim();
  if (!address || !isHttpUrl(address)) {
    throw invalid(provider, "the proxy's secret needs an http or https URL under 'address'");
  }
  const url = new URL(address);
  if (proxySecret.username) url.username = encodeURIComponent(proxySecret.username);
  if (proxySecret.password) url.password = encodeURIComponent(proxySecret.password);
  return url.href;
}

function tlsOf(provider: Provider, secret: Data) {
  const ca = secret['ca.crt'] ?? secret.caFile;
  const cert = secret['tls.crt'] ?? secret.certFile;
  const key = secret['tls.key'] ?? secret.keyFile;
  if (!ca && !cert) {
    throw invalid(provider, "the certificate secret needs 'ca.crt', or 'tls.crt' and 'tls.key'");
  }
  if (Boolean(cert) !== Boolean(key)) {
    throw invalid(provider, "the certificate secret needs both 'tls.crt' and 'tls.key'");
  }
  return present({ ca, cert, key });
}

function isHttpUrl(address: string): boolean {
  return /^https?:$/.test(URL.parse(address)?.protocol ?? '');
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
