// AWS Signature Version 4, by the vendor's own package, which is loaded when the first request is signed.
import { createHash, createHmac } from 'node:crypto';

/** Keys of AWS. */
export interface AwsKeys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
}

export interface Unsigned {
  url: URL;
  headers: Readonly<Record<string, string>>;
  body: string;
  /** As signatures call it. */
  service: string;
  region: string;
}

/** The headers of a POST request, its signature among them. */
export async function signedHeaders(
  { url, headers, body, service, region }: Unsigned,
  { accessKeyId, secretAccessKey, sessionToken }: AwsKeys,
): Promise<Record<string, string>> {
  const { SignatureV4 } = await import('@smithy/signature-v4');
  const signer = new SignatureV4({
    ...{ service, region },
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) },
    sha256: Sha256 as unknown as ConstructorParameters<typeof SignatureV4>[0]['sha256'],
  });
  const { protocol, hostname, port, host, pathname: path } = url;
  const signed = await signer.sign({
    ...{ method: 'POST', protocol, hostname, path, body },
    ...(port === '' ? {} : { port: Number(port) }),
    headers: { host, ...headers },
  });
  return signed.headers;
}

/** What the package takes for a hash: something that `new` makes, with a key or without one. */
function Sha256(key?: string | Uint8Array) {
  const hash = key === undefined ? createHash('sha256') : createHmac('sha256', key);
  return {
    update: (data: string | Uint8Array) => void hash.update(data),
    digest: async () => new Uint8Array(hash.digest()),
    reset: () => undefined,
  };
}
