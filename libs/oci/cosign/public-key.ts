import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { OciError } from '../errors.ts';

/** Bits of an RSA key, at least. */
const MIN_RSA_BITS = 2048;
const CURVES: readonly string[] = ['prime256v1', 'secp384r1', 'secp521r1'];

/**
 * A public key that signatures can be verified with: ECDSA on a NIST curve, RSA or Ed25519, in PEM.
 * @throws OciError InvalidConfiguration
 */
export function parsePublicKey(pem: string): KeyObject {
  const key = readKey(pem);
  const { asymmetricKeyType: type, asymmetricKeyDetails: details = {} } = key;
  const isUsable =
    type === 'ed25519' ||
    (type === 'ec' && CURVES.includes(details.namedCurve ?? '')) ||
    (type === 'rsa' && (details.modulusLength ?? 0) >= MIN_RSA_BITS);
  if (isUsable) return key;
  throw invalid(`unsupported public key type: ${type ?? 'none'}`);
}

function readKey(pem: string): KeyObject {
  // Node also accepts a private key as a public one; a Secret with a private key is a mistake.
  if (!/-----BEGIN (RSA )?PUBLIC KEY-----/.test(pem)) throw invalid('PEM decoding failed');
  try {
    return createPublicKey(pem);
  } catch (cause) {
    throw new OciError('InvalidConfiguration', 'the public key is damaged', { cause });
  }
}

/** Whether the signature is that of the data by the key: over its SHA-256, RSA with PKCS #1 1.5, as cosign signs. */
export function isSignedBy(key: KeyObject, data: Buffer, signature: Buffer): boolean {
  const hash = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  return verify(hash, data, key, signature);
}

function invalid(message: string): OciError {
  return new OciError('InvalidConfiguration', message);
}
