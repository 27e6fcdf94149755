// What the tools that sign have in common: signatures are small blobs in manifests beside the one that is signed.
import { OciError } from './errors.ts';
import type { Descriptor, ImageManifest } from './manifest.ts';
import type { Registry } from './registry.ts';

export interface SignedManifest {
  /** Repository in the registry. */
  name: string;
  digest: string;
}

/** Signatures that are looked at; whoever may push can add any number. */
const MAX_SIGNATURES = 100;
/** Bytes of one. */
const MAX_BYTES = 1024 ** 2;

/** @throws OciError TooLarge */
export function checkCount(count: number, digest: string): void {
  if (count <= MAX_SIGNATURES) return;
  throw new OciError('TooLarge', `${digest} has more than ${MAX_SIGNATURES} signatures`);
}

/** An image by tag or digest; undefined where there is an index. */
export async function imageOf(
  registry: Registry,
  name: string,
  reference: string,
  signal: AbortSignal,
): Promise<ImageManifest | undefined> {
  const { manifest } = await registry.manifest(name, reference, signal);
  return manifest.kind === 'image' ? manifest : undefined;
}

/** The whole of a small blob. @throws OciError TooLarge for more than 1 MiB */
export async function readLayer(
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
