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
  /** The name of the service in signatures: `ecr`. */
  service: string;
  region: string;
}

/** The headers of a request, including its signature. */
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

/**
 * A URL that contains the signature and is valid for some seconds for anybody who has it. Headers have to be sent as
 * they were signed.
 */
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

/** The signed parts of a request for an object besides its method. */
export interface ObjectRequest {
  origin: URL;
  /** As it is sent: `..` in the key of an object is not resolved. */
  path: string;
  headers: Readonly<Record<string, string>>;
  date: Date;
}

/** The SHA-256 of empty content. */
const EMPTY = createHash('sha256').digest('hex');

/**
 * Signs many GET requests for S3 objects and returns their headers.
 * @param credentials called for each request
 */
export async function objectSigner(
  credentials: () => Promise<AwsKeys>,
  region: string,
): Promise<(request: ObjectRequest) => Promise<Record<string, string>>> {
  const { SignatureV4 } = await import('@smithy/signature-v4');
  const signer = new SignatureV4({
    ...{ service: 's3', region, uriEscapePath: false },
    credentials: async () => withoutUndefined(await credentials()),
    sha256: Sha256 as unknown as ConstructorParameters<typeof SignatureV4>[0]['sha256'],
  });
  return async ({ origin, path, headers, date }) => {
    const { protocol, hostname, host } = origin;
    const own = { host, 'x-amz-content-sha256': EMPTY, ...headers };
    const request = { method: 'GET', protocol, hostname, path, query: {}, headers: own };
    return (await signer.sign(request, { signingDate: date })).headers;
  };
}

function withoutUndefined({ accessKeyId, secretAccessKey, sessionToken }: AwsKeys) {
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
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
  return new SignatureV4({
    ...scope,
    credentials: withoutUndefined(credentials),
    sha256: Sha256 as unknown as ConstructorParameters<typeof SignatureV4>[0]['sha256'],
  });
}

/** SHA-256, or HMAC with a key, in the form that the package requires: a constructor. */
function Sha256(key?: string | Uint8Array) {
  const hash = key === undefined ? createHash('sha256') : createHmac('sha256', key);
  return {
    update: (data: string | Uint8Array) => void hash.update(data),
    digest: async () => new Uint8Array(hash.digest()),
    reset: () => undefined,
  };
}

/** RFC 3986, which also encodes the characters that encodeURIComponent leaves. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
