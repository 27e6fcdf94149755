import { createHash, type Hash } from 'node:crypto';
import { ArtifactError } from './errors.ts';

/** Hex digits of the algorithms that a digest may name (OCI image spec, "Registered algorithms", and sha384 as in Flux). */
const HEX_DIGITS = new Map([
  ['sha256', 64],
  ['sha384', 96],
  ['sha512', 128],
]);

/** `sha256:<hex>` of some bytes. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Splits `<algorithm>:<hex>`; throws ArtifactError (ArtifactInvalid) for anything else. */
export function parseDigest(digest: string): { algorithm: string; hex: string } {
  const [algorithm = '', hex = '', ...rest] = digest.split(':');
  const digits = HEX_DIGITS.get(algorithm);
  if (rest.length > 0 || digits !== hex.length || !/^[0-9a-f]+$/.test(hex)) {
    throw new ArtifactError('ArtifactInvalid', `"${digest}" is no sha256, sha384 or sha512 digest`);
  }
  return { algorithm, hex };
}

/** A hash for checking content against `digest`. */
export function hashFor(digest: string): Hash {
  return createHash(parseDigest(digest).algorithm);
}

/** The digest as a file name or a subject token: the hex, with the algorithm in front unless it is sha256. */
export function digestName(digest: string): string {
  const { algorithm, hex } = parseDigest(digest);
  return algorithm === 'sha256' ? hex : `${algorithm}-${hex}`;
}

/** The digest for a name of `digestName`; undefined for other text. */
export function nameDigest(name: string): string | undefined {
  const [, algorithm = 'sha256', hex = ''] = /^(?:(sha384|sha512)-)?([0-9a-f]+)$/.exec(name) ?? [];
  return HEX_DIGITS.get(algorithm) === hex.length ? `${algorithm}:${hex}` : undefined;
}
