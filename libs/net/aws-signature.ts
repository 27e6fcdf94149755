// AWS Signature Version 4, by the vendor's own package, which is loaded when first used.
import { createHash, createHmac } from 'node:crypto';
import type { SignatureV4 } from '@smithy/signature-v4';

/** Keys of AWS. */
export interface AwsKeys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
}

export interface SignedRequest {
  method: 'GET' | 'POST';
  url: URL;
  headers: Readonly<Record<string, string>>;
  body?: string;
}

export interface Scope {
  /** As the service is called in signatures: `ecr`. */
  service: string;
  region: string;
}

/** The headers of a request with its signature among them. */
export async function sign(
  { method, url, headers, body }: SignedRequest,
  credentials: AwsKeys,
  scope: Scope,
): Promise<Record<string, string>> {
  const signer = await signerOf(credentials, scope);
  const signed = await signer.sign({
    ...partsOf(url),
    method,
    headers: { host: url.host, ...headers },
    ...(body === undefined ? {} : { body }),
  });
  return signed.headers;
}

/** A URL that carries the signature, for whoever holds it, for some seconds. Headers have to be sent as they are signed. */
export async function presign(
  { method, url, headers }: Omit<SignedRequest, 'body'>,
  credentials: AwsKeys,
  { service, region, seconds }: Scope & { seconds: number },
): Promise<URL> {
  const signer = await signerOf(credentials, { service, region });
  const signed = await signer.presign(
    { ...partsOf(url), method, headers: { host: url.host, ...headers } },
    { expiresIn: seconds },
  );
  const result = new URL(url);
  result.search = Object.entries(signed.query ?? {})
    .map(([name, value]) => `${encode(name)}=${encode(String(value))}`)
    .join('&');
  return result;
}

function partsOf(url: URL) {
  return {
    protocol: url.protocol,
    hostname: url.hostname,
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
  };
}

async function signerOf(credentials: AwsKeys, scope: Scope): Promise<SignatureV4> {
  const { SignatureV4 } = await import('@smithy/signature-v4');
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  return new SignatureV4({
    ...scope,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) },
    sha256: Sha256 as unknown as ConstructorParameters<typeof SignatureV4>[0]['sha256'],
  });
}

/** SHA-256, or HMAC with a key, in the form that the package wants: something that `new` makes. */
function Sha256(key?: string | Uint8Array) {
  const hash = key === undefined ? createHash('sha256') : createHmac('sha256', key);
  return {
    update: (data: string | Uint8Array) => void hash.update(data),
    digest: async () => new Uint8Array(hash.digest()),
    reset: () => undefined,
  };
}

/** RFC 3986, without the characters that encodeURIComponent lets pass. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
