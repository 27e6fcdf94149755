// Whether a manifest is signed by one of some keys, by the signatures that cosign keeps beside it.
import type { KeyObject } from 'node:crypto';
import { OciError } from '../errors.ts';
import type { Descriptor, ImageManifest } from '../manifest.ts';
import type { Registry } from '../registry.ts';
import { isBundleSigned } from './bundle.ts';
import { isPayloadSigned, SIMPLE_SIGNING, signatureTag } from './simple-signing.ts';

export interface SignedManifest {
  /** Repository in the registry. */
  name: string;
  digest: string;
}

/** The media type of a bundle begins with this; its version follows. */
const BUNDLE = 'application/vnd.dev.sigstore.bundle';
/** Signatures that are looked at; whoever may push can add any number. */
const MAX_SIGNATURES = 100;
/** Bytes of one. */
const MAX_BYTES = 1024 ** 2;

/**
 * Whether a manifest is signed by one of the keys. Bundles, which refer to the manifest (cosign 3), win over signatures
 * under a tag (cosign 2): with bundles there, only these count, as with cosign itself. Transparency logs are not asked.
 * @throws OciError when the registry doesn't say which signatures there are, TooLarge when there are too many
 */
export async function isSignedByKey(
  registry: Registry,
  manifest: SignedManifest,
  keys: readonly KeyObject[],
  signal: AbortSignal,
): Promise<boolean> {
  const { name, digest } = manifest;
  const bundles = await bundlesOf(registry, manifest, signal);
  if (bundles.length > 0) {
    return some(bundles, async (layer) => {
      const bytes = await readLayer(registry, name, layer, signal);
      return keys.some((key) => isBundleSigned(bytes, digest, key));
    });
  }
  const signatures = await taggedSignatures(registry, manifest, signal);
  return some(signatures, async (layer) => {
    const payload = await readLayer(registry, name, layer, signal);
    return keys.some((key) => isPayloadSigned(payload, layer, digest, key));
  });
}

async function bundlesOf(
  registry: Registry,
  { name, digest }: SignedManifest,
  signal: AbortSignal,
): Promise<Descriptor[]> {
  const referrers = await registry.referrers(name, digest, signal);
  // cosign writes the type of the empty configuration into the index that it keeps where the registry has no list.
  const mayHold = referrers.filter(
    ({ artifactType = '' }) =>
      artifactType === '' ||
      artifactType.startsWith(BUNDLE) ||
      artifactType === 'application/vnd.oci.empty.v1+json',
  );
  checkCount(mayHold.length, digest);
  const bundles: Descriptor[] = [];
  for (const referrer of mayHold) {
    const image = await imageOf(registry, name, referrer.digest, signal);
    const isAbout = image?.subject?.digest === digest;
    const layer = image?.layers.find(({ mediaType }) => mediaType.startsWith(BUNDLE));
    if (isAbout && layer !== undefined) bundles.push(layer);
  }
  return bundles;
}

async function taggedSignatures(
  registry: Registry,
  { name, digest }: SignedManifest,
  signal: AbortSignal,
): Promise<Descriptor[]> {
  const image = await imageOf(registry, name, signatureTag(digest), signal);
  const layers = (image?.layers ?? []).filter(({ mediaType }) => mediaType === SIMPLE_SIGNING);
  checkCount(layers.length, digest);
  return layers;
}

/** Undefined where there is none. */
async function imageOf(
  registry: Registry,
  name: string,
  reference: string,
  signal: AbortSignal,
): Promise<ImageManifest | undefined> {
  try {
    const { manifest } = await registry.manifest(name, reference, signal);
    return manifest.kind === 'image' ? manifest : undefined;
  } catch (error) {
    if (error instanceof OciError && error.reason === 'NotFound') return undefined;
    throw error;
  }
}

async function readLayer(
  registry: Registry,
  name: string,
  layer: Descriptor,
  signal: AbortSignal,
): Promise<Buffer> {
  if (layer.size > MAX_BYTES) {
    throw new OciError('TooLarge', `a signature has more than ${MAX_BYTES} bytes`);
  }
  const chunks: Buffer[] = [];
  for await (const chunk of registry.blob(name, layer, signal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function some<T>(items: readonly T[], holds: (item: T) => Promise<boolean>) {
  for (const item of items) if (await holds(item)) return true;
  return false;
}

function checkCount(count: number, digest: string): void {
  if (count <= MAX_SIGNATURES) return;
  throw new OciError('TooLarge', `${digest} has more than ${MAX_SIGNATURES} signatures`);
}
