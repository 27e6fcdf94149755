import { createPrivateKey } from 'node:crypto';

/** For a connection: a private authority, and a certificate of our own with its key. PEM. */
export interface Certificates {
  ca?: string;
  cert?: string;
  key?: string;
}

/** Reading them and a handshake with them run on the only thread: bounded in size, and in the length of an RSA key. */
const MAX_CA_BYTES = 256 * 1024;
const MAX_OWN_BYTES = 64 * 1024;
const MAX_RSA_BITS = 4_096;

/** Why certificates of a Secret can't be used, without a word of them. */
export class InvalidCertificates extends Error {
  override readonly name = 'InvalidCertificates';
  readonly reason = 'InvalidProvider';
}

/** Reads the keys `ca.crt`, `tls.crt`, `tls.key` and their older names. Throws InvalidCertificates. */
export function readCertificates(secret: Readonly<Record<string, string>>): Certificates {
  const ca = secret['ca.crt'] ?? secret.caFile;
  const cert = secret['tls.crt'] ?? secret.certFile;
  const key = secret['tls.key'] ?? secret.keyFile;
  if (!ca && !cert) throw new InvalidCertificates("needs 'ca.crt', or 'tls.crt' and 'tls.key'");
  if (Boolean(cert) !== Boolean(key)) {
    throw new InvalidCertificates("needs both 'tls.crt' and 'tls.key'");
  }
  if ((ca?.length ?? 0) > MAX_CA_BYTES) {
    throw new InvalidCertificates(`holds authorities of more than ${MAX_CA_BYTES} bytes`);
  }
  if ((cert?.length ?? 0) + (key?.length ?? 0) > MAX_OWN_BYTES) {
    throw new InvalidCertificates(`holds a certificate or key of more than ${MAX_OWN_BYTES} bytes`);
  }
  if (key) checkKey(key);
  return { ...(ca ? { ca } : {}), ...(cert && key ? { cert, key } : {}) };
}

function checkKey(key: string): void {
  let bits: number | undefined;
  try {
    bits = createPrivateKey(key).asymmetricKeyDetails?.modulusLength;
  } catch (error) {
    throw new InvalidCertificates("holds a 'tls.key' that can't be read", { cause: error });
  }
  if (bits !== undefined && bits > MAX_RSA_BITS) {
    throw new InvalidCertificates(`holds an RSA key of more than ${MAX_RSA_BITS} bits`);
  }
}
