import type { KeyObject } from 'node:crypto';
import type { Registry } from '../registry.ts';
import type { SignedManifest } from '../signatures.ts';
import { isBundleSigned } from './bundle.ts';
import { cosignSignatures } from './signatures.ts';
import { isPayloadSigned } from './simple-signing.ts';

/**
 * Whether a manifest is signed by one of the keys, by a signature that cosign keeps beside it. Transparency logs are not asked.
 * @throws OciError when the registry doesn't say which signatures there are, TooLarge when there are too many
 */
export async function isSignedByKey(
  registry: Registry,
  manifest: SignedManifest,
  keys: readonly KeyObject[],
  signal: AbortSignal,
): Promise<boolean> {
  const { digest } = manifest;
  for await (const it of cosignSignatures(registry, manifest, signal)) {
    const isSigned = keys.some((key) =>
      it.kind === 'bundle'
        ? isBundleSigned(it.bytes, digest, key)
        : isPayloadSigned(it.payload, it.annotations, digest, key),
    );
    if (isSigned) return true;
  }
  return false;
}
