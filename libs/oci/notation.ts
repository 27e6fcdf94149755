// The signatures that notation stores beside a manifest (Notary Project, specs/signature-specification.md, "Storage").
import type { Registry } from './registry.ts';
import { checkCount, imageOf, readLayer, type SignedManifest } from './signatures.ts';

/** An envelope: JWS or COSE, according to its media type. */
export interface NotationSignature {
  /** Digest of the manifest with the signature. */
  digest: string;
  mediaType: string;
  content: Buffer;
}

/** The artifact type of manifests that hold signatures. */
const SIGNATURE = 'application/vnd.cncf.notary.signature';
/** Bytes of an envelope: its certificates, a time stamp, and little more. */
const MAX_BYTES = 256 * 1024;

/**
 * The signatures that refer to a manifest, each fetched when it is needed, in the registry's order. Manifests that are
 * no signature, or are too large for one, are skipped.
 * @throws OciError when the registry doesn't say which exist; TooLarge when there are too many
 */
export async function* notationSignatures(
  registry: Registry,
  { name, digest }: SignedManifest,
  signal: AbortSignal,
): AsyncGenerator<NotationSignature> {
  const referrers = await registry.referrers(name, digest, signal, SIGNATURE);
  checkCount(referrers.length, digest);
  for (const referrer of referrers) {
    const image = await imageOf(registry, name, referrer.digest, signal);
    const [layer, ...more] = image?.layers ?? [];
    const isSignature = image?.subject?.digest === digest && more.length === 0;
    // Anybody with the right to push can add other manifests, which must not hide the signatures.
    if (layer === undefined || !isSignature || layer.size > MAX_BYTES) continue;
    const content = await readLayer(registry, name, layer, signal);
    yield { digest: referrer.digest, mediaType: layer.mediaType, content };
  }
}
