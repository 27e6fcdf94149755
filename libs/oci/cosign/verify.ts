import type { KeyObject } from 'node:crypto';
import type { Registry } from '../registry.ts';
import type { SignedManifest } from '../signatures.ts';
import { isBundleSigned } from './bundle.ts';
import { cosignSignatures } from './signatures.ts';
import { isPayloadSigned } from './simple-signing.ts';

/**
 * `unsigned`: there is no signature at all. `others`: all signatures were made with other keys, or of something else.
 */
export type SignedBy = 'key' | 'others' | 'unsigned';

/**
 * Finds out whether one of the keys signed a manifest, by signatures that cosign stores beside it. Transparency logs
 * are not used.
 * @throws OciError when the registry doesn't say which signatures exist, TooLarge when there are too many
 */
export async function findSigner(
  registry: Registry,
  manifest: SignedManifest,
  keys: readonly KeyObject[],
  signal: AbortSignal,
): Promise<SignedBy> {
  const { digest } = manifest;
  let signedBy: SignedBy = 'unsigned';
  for await (const it of cosignSignatures(registry, manifest, signal)) {
    const isSigned = keys.some((key) =>
      it.kind === 'bundle'
        ? isBundleSigned(it.bytes, digest, key)
        : isPayloadSigned(it.payload, it.annotations, digest, key),
    );
    if (isSigned) return 'key';
    signedBy = 'others';
  }
  return signedBy;
}
