import type { Provider } from '@weir/api';
import { parseDuration } from '@weir/api';
import { isNotFound, type KubeClient, readSecret, type SecretData } from '@weir/kube';
import { DeliveryError } from '../delivery/errors.ts';
import { type Certificates, readCertificates } from './certificates.ts';
import { parseHeaders } from './headers.ts';
import type { Target } from './target.ts';
import { typeOf } from './types.ts';

const DEFAULT_TIMEOUT_MS = 15_000;
/** An attempt holds a slot that others wait for. */
const MAX_TIMEOUT_MS = 30_000;
const MAX_ADDRESS_BYTES = 2048;

export interface TargetReading {
  client: KubeClient;
  /** Whether Providers may name an account of their own (the gate ObjectLevelWorkloadIdentity). */
  objectLevel: boolean;
}

/** Reads a target until `signal` aborts; see `readTarget`. */
export type ReadTarget = (provider: Provider, signal: AbortSignal) => Promise<Target>;

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
  { client, objectLevel }: TargetReading,
  provider: Provider,
  signal: AbortSignal,
): Promise<Target> {
  const { spec, metadata } = provider;
  if (spec.serviceAccountName && !objectLevel) {
    const why =
      'to use spec.serviceAccountName for provider authentication please enable the ObjectLevelWorkloadIdentity feature gate in the controller';
    throw invalid(provider, why);
  }
  const read = (ref: { name: string } | undefined) => readData(client, provider, ref, signal);
  const [secret, proxySecret, certSecret] = await Promise.all([
    read(spec.secretRef),
    read(spec.proxySecretRef),
    read(spec.certSecretRef),
  ]);
  const headers = textOf(secret, 'headers');
  const { commitStatusExpr } = spec;
  return {
    namespace: metadata.namespace ?? '',
    provider: {
      uid: metadata.uid ?? '',
      object: provider,
      ...(commitStatusExpr === undefined ? {} : { commitStatusExpr }),
    },
    address: addressOf(provider, secret),
    headers:
      headers === undefined
        ? {}
        : usable(provider, "'headers' in the secret", () => parseHeaders(headers)),
    ...present({
      secret,
      channel: spec.channel,
      username: textOf(secret, 'username') ?? spec.username,
      password: textOf(secret, 'password'),
      token: tokenOf(provider, secret),
      proxy: proxyOf(provider, proxySecret, secret),
      tls: certificatesOf(provider, certSecret, secret),
    }),
  };
}

async function readData(
  client: KubeClient,
  provider: Provider,
  ref: { name: string } | undefined,
  signal: AbortSignal,
): Promise<SecretData | undefined> {
  if (!ref) return undefined;
  const { namespace } = provider.metadata;
  const where = { name: ref.name, ...(namespace ? { namespace } : {}) };
  return readSecret(client, where, { signal }).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
    throw invalid(provider, `secret '${namespace}/${ref.name}' not found: create it`);
  });
}

function textOf(data: SecretData | undefined, key: string): string | undefined {
  return data?.get(key)?.toString('utf8');
}

function addressOf(provider: Provider, secret: SecretData | undefined): string {
  const kind = typeOf(provider)?.address ?? 'url';
  const address = textOf(secret, 'address')?.trim() ?? provider.spec.address ?? '';
  checkLength(provider, 'address', address);
  if (kind === 'none' || (kind === 'optional' && !address)) return address;
  if (!address) {
    throw invalid(provider, "no address: set spec.address, or 'address' in the secret it names");
  }
  if (kind !== 'any' && !isHttpUrl(address)) {
    // An address holds the webhook's secret as often as not, so it isn't repeated.
    throw invalid(provider, 'the address is not an http or https URL');
  }
  return address;
}

function tokenOf(provider: Provider, secret: SecretData | undefined): string | undefined {
  const token = textOf(secret, 'token')?.trim();
  // The key of a service account is JSON of several lines, and is sent to nobody.
  const isHeader = provider.spec.type !== 'googlepubsub' && provider.spec.type !== 'generic-hmac';
  if (token === undefined || !isHeader || /^[\x21-\x7e]*$/.test(token)) return token;
  throw invalid(provider, "'token' in the secret holds characters that no header can have");
}

function proxyOf(
  provider: Provider,
  proxySecret: SecretData | undefined,
  secret: SecretData | undefined,
): string | undefined {
  const address = proxySecret
    ? (textOf(proxySecret, 'address')?.trim() ?? '')
    : (textOf(secret, 'proxy')?.trim() ?? provider.spec.proxy);
  if (address === undefined) return undefined;
  checkLength(provider, 'proxy', address);
  if (!isHttpUrl(address)) {
    const where = proxySecret ? " under 'address' in the proxy's secret" : '';
    throw invalid(provider, `the proxy needs an http or https URL${where}`);
  }
  const url = new URL(address);
  const username = textOf(proxySecret, 'username');
  const password = textOf(proxySecret, 'password');
  if (username) url.username = encodeURIComponent(username);
  if (password) url.password = encodeURIComponent(password);
  return url.href;
}

/** Those of `certSecretRef`; for Git hosts those beside the token as well. */
function certificatesOf(
  provider: Provider,
  certSecret: SecretData | undefined,
  secret: SecretData | undefined,
): Certificates | undefined {
  const use = typeOf(provider)?.certificates;
  const own = use === 'secretRef too' && secret?.has('ca.crt') ? secret : undefined;
  const data = certSecret ?? own;
  if (data === undefined) return undefined;
  const what = data === own ? 'the secret' : 'the certificate secret';
  const certificates = usable(provider, what, () =>
    readCertificates(Object.fromEntries([...data].map(([key, value]) => [key, value.toString()]))),
  );
  return use === 'none' ? undefined : certificates;
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
