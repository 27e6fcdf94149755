// The signatures that notation keeps beside a manifest (Notary Project, specs/signature-specification.md, "Storage").
import type { Registry } from './registry.ts';
import { checkCount, imageOf, readLayer, type SignedManifest } from './signatures.ts';

/** An envelope: JWS or COSE, as its media type says. */
export interface NotationSignature {
  /** Of the manifest that holds it. */
  digest: string;
  mediaType: string;
  content: Buffer;
}

/** The artifact type of manifests that hold signatures. */
const SIGNATURE = 'application/vnd.cncf.notary.signature';
/** Bytes of an envelope: its certificates, a time stamp, and little more. */
const MAX_BYTES = 256 * 1024;

/**
 * The signatures that refer to a manifest, each fetched when it is asked for, in the registry's order.
 * What is no signature of the manifest, or larger than any, is passed over.
 * @throws OciError when the registry doesn't say which there are; TooLarge when there are too many
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
    // Whoever may push can add what is no signature; that must not hide the good ones.
    if (layer === undefined || !isSignature || layer.size > MAX_BYTES) continue;
    const content = await readLayer(registry, name, layer, signal);
    yield { digest: referrer.digest, mediaType: layer.mediaType, content };
  }
}
