import type { KeyObject } from 'node:crypto';
import { parseBase64, parseObject } from './parse.ts';
import { isSignedBy } from './public-key.ts';

/** The payload of an envelope that states something about an artifact (in-toto attestation framework). */
const STATEMENT = 'application/vnd.in-toto+json';
const STATEMENT_TYPES: readonly unknown[] = [
  'https://in-toto.io/Statement/v1',
  'https://in-toto.io/Statement/v0.1',
];

/**
 * Whether a Sigstore bundle has a statement about the manifest that the key has signed: a DSSE envelope with one
 * signature (DSSE protocol 1.0). A bundle with a certificate is keyless, and counts as not signed.
 */
export function isBundleSigned(bytes: Buffer, digest: string, key: KeyObject): boolean {
  const { verificationMaterial, dsseEnvelope } = parseObject(bytes) ?? {};
  const { publicKey, certificate, x509CertificateChain } = asObject(verificationMaterial);
  if (publicKey === undefined || certificate !== undefined || x509CertificateChain !== undefined) {
    return false;
  }
  const { payload, payloadType, signatures } = asObject(dsseEnvelope);
  if (payloadType !== STATEMENT || !Array.isArray(signatures) || signatures.length !== 1) {
    return false;
  }
  const statement = parseBase64(payload);
  const signature = parseBase64(asObject(signatures[0]).sig);
  if (statement === undefined || signature === undefined) return false;
  return isSignedBy(key, encode(STATEMENT, statement), signature) && isAbout(statement, digest);
}

/** The signed form of an envelope ("PAE" of DSSE). */
function encode(type: string, payload: Buffer): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

function isAbout(payload: Buffer, digest: string): boolean {
  const { _type: type, subject } = parseObject(payload) ?? {};
  if (!STATEMENT_TYPES.includes(type) || !Array.isArray(subject)) return false;
  const [algorithm = '', hex] = digest.split(':');
  return subject.some((it) => asObject(asObject(it).digest)[algorithm] === hex);
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
