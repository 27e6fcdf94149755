import { createHash } from 'node:crypto';
import { OciError } from './errors.ts';

/** Hex digits of a digest, by algorithm (OCI image spec, descriptor.md, "Registered algorithms"). */
const HEX_LENGTHS: Record<string, number> = { sha256: 64, sha512: 128 };

export type DigestAlgorithm = 'sha256' | 'sha512';

/** The algorithm of a digest `sha256:<hex>` or `sha512:<hex>`. @throws OciError InvalidReference */
export function algorithmOf(digest: string): DigestAlgorithm {
  const [algorithm = '', hex = ''] = splitDigest(digest);
  const length = HEX_LENGTHS[algorithm];
  if (length === undefined) {
    throw new OciError('InvalidReference', `unsupported hash: ${JSON.stringify(shown(algorithm))}`);
  }
  if (hex.length !== length || !/^[0-9a-f]+$/.test(hex)) {
    const message = `'${shown(digest)}' is no ${algorithm} digest of ${length} hex digits`;
    throw new OciError('InvalidReference', message);
  }
  return algorithm as DigestAlgorithm;
}

export function isDigest(text: string): boolean {
  const [algorithm = '', hex = ''] = splitDigest(text);
  return HEX_LENGTHS[algorithm] === hex.length && /^[0-9a-f]+$/.test(hex);
}

/** The digest of bytes, by the algorithm given. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

function splitDigest(digest: string): string[] {
  const colon = digest.indexOf(':');
  return colon < 0 ? ['', digest] : [digest.slice(0, colon), digest.slice(colon + 1)];
}

function shown(text: string): string {
  return text.length > 150 ? `${text.slice(0, 150)}...` : text;
}
