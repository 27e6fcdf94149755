// The signatures that cosign stores beside a manifest, in either layout.
import { OciError } from '../errors.ts';
import type { Descriptor, ImageManifest } from '../manifest.ts';
import type { Registry } from '../registry.ts';
import { checkCount, imageOf, readLayer, type SignedManifest } from '../signatures.ts';
import { SIMPLE_SIGNING, signatureTag } from './simple-signing.ts';

/** One signature: a bundle of cosign 3, or a payload of cosign 2 with its annotations. */
export type CosignSignature =
  | { kind: 'bundle'; bytes: Buffer }
  | { kind: 'payload'; payload: Buffer; annotations: Record<string, string> };

/** The media type of a bundle begins with this; its version follows. */
const BUNDLE = 'application/vnd.dev.sigstore.bundle';
/** cosign writes the type of the empty configuration into the index that replaces the registry's list of referrers. */
const EMPTY = 'application/vnd.oci.empty.v1+json';

/**
 * The signatures of a manifest, each fetched when it is needed. If there are bundles, which refer to the manifest
 * (cosign 3), only these are used and not the signatures under a tag (cosign 2), as in cosign itself.
 * @throws OciError when the registry doesn't say which signatures exist, TooLarge when there are too many
 */
export async function* cosignSignatures(
  registry: Registry,
  manifest: SignedManifest,
  signal: AbortSignal,
): AsyncGenerator<CosignSignature> {
  const { name } = manifest;
  const bundles = await bundlesOf(registry, manifest, signal);
  for (const layer of bundles) {
    yield { kind: 'bundle', bytes: await readLayer(registry, name, layer, signal) };
  }
  if (bundles.length > 0) return;
  for (const layer of await taggedSignatures(registry, manifest, signal)) {
    const payload = await readLayer(registry, name, layer, signal);
    yield { kind: 'payload', payload, annotations: layer.annotations ?? {} };
  }
}

async function bundlesOf(
  registry: Registry,
  { name, digest }: SignedManifest,
  signal: AbortSignal,
): Promise<Descriptor[]> {
  const referrers = await registry.referrers(name, digest, signal);
  const mayHold = referrers.filter(
    ({ artifactType = '' }) =>
      artifactType === '' || artifactType.startsWith(BUNDLE) || artifactType === EMPTY,
  );
  checkCount(mayHold.length, digest);
  const bundles: Descriptor[] = [];
  for (const referrer of mayHold) {
    const image = await imageIfThere(registry, name, referrer.digest, signal);
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
  const image = await imageIfThere(registry, name, signatureTag(digest), signal);
  const layers = (image?.layers ?? []).filter(({ mediaType }) => mediaType === SIMPLE_SIGNING);
  checkCount(layers.length, digest);
  return layers;
}

async function imageIfThere(
  registry: Registry,
  name: string,
  reference: string,
  signal: AbortSignal,
): Promise<ImageManifest | undefined> {
  try {
    return await imageOf(registry, name, reference, signal);
  } catch (error) {
    if (error instanceof OciError && error.reason === 'NotFound') return undefined;
    throw error;
  }
}
