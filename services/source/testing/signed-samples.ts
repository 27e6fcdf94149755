// Signatures of one manifest, made with notation and without keys, and how the tools that sign keep them in a registry.
// They are samples of libs/render/verifier, whose own tests sign and forge.
import { readFile } from 'node:fs/promises';
import { type Descriptor, MediaType } from '@weir/oci';
import {
  type Layer,
  type PushTarget,
  pushArtifact,
  pushBlob,
  pushManifest,
} from '@weir/oci/testing';

export interface SignedSamples {
  /** The text of the manifest; its one layer is `{}`. */
  manifest: string;
  digest: string;
  keyless: {
    trustedRoot: string;
    issuer: string;
    subject: string;
    bundle: object;
    signature: { payload: string; signature: string; certificate: string; rekorBundle: string };
  };
  notation: { certificate: string; signature: { mediaType: string; content: string } };
}

const FILE = new URL('../../../libs/render/verifier/testdata/signatures.json', import.meta.url);
const BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const NOTATION = 'application/vnd.cncf.notary.signature';

export async function readSamples(): Promise<SignedSamples> {
  return JSON.parse(await readFile(FILE, 'utf8')) as SignedSamples;
}

/** The manifest that the samples are signatures of, tagged `v1`, and none of these. */
export async function pushUnsigned(
  target: PushTarget,
  name: string,
  { manifest }: SignedSamples,
): Promise<void> {
  await pushBlob(target, name, Buffer.from('{}'));
  await pushManifest(target, name, Buffer.from(manifest), 'v1');
}

/** A bundle with these bytes, or the sample, as cosign 3 attaches it. */
export function bundleBlob({ keyless }: SignedSamples, content?: Buffer): Required<Layer> {
  return { mediaType: BUNDLE, content: content ?? Buffer.from(JSON.stringify(keyless.bundle)) };
}

export function notationBlob({ notation }: SignedSamples): Required<Layer> {
  const { mediaType, content } = notation.signature;
  return { mediaType, content: Buffer.from(content, 'base64') };
}

/** Pushes what refers to the manifest, one blob each, and the index that lists these in place of those before. */
export async function pushReferrers(
  target: PushTarget,
  name: string,
  { digest, manifest }: SignedSamples,
  blobs: Required<Layer>[],
): Promise<void> {
  const subject = { mediaType: MediaType.image, digest, size: manifest.length };
  const manifests: Descriptor[] = [];
  for (const blob of blobs) {
    const artifactType = blob.mediaType === BUNDLE ? BUNDLE : NOTATION;
    const pushed = await pushArtifact(target, name, { layers: [blob], subject, artifactType });
    manifests.push({ ...pushed, artifactType });
  }
  const index = { schemaVersion: 2, mediaType: MediaType.index, manifests };
  await pushManifest(target, name, index, digest.replace(':', '-'));
}

/** Pushes the sample in the layout of cosign 2. */
export async function pushOldSignature(
  target: PushTarget,
  name: string,
  { manifest, digest, keyless }: SignedSamples,
): Promise<void> {
  const { payload, signature, certificate, rekorBundle } = keyless.signature;
  const blob = await pushBlob(target, name, Buffer.from(payload, 'base64'));
  const annotations = {
    'dev.cosignproject.cosign/signature': signature,
    'dev.sigstore.cosign/certificate': certificate,
    'dev.sigstore.cosign/bundle': rekorBundle,
  };
  const mediaType = 'application/vnd.dev.cosign.simplesigning.v1+json';
  const layers = [{ mediaType, ...blob, annotations }];
  const { config } = JSON.parse(manifest) as { config: object };
  const image = { schemaVersion: 2, mediaType: MediaType.image, config, layers };
  await pushManifest(target, name, image, `${digest.replace(':', '-')}.sig`);
}
