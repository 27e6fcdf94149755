// Signs manifests as cosign 2 does, for tests.
import { type KeyObject, sign } from 'node:crypto';
import { SIMPLE_SIGNING, signatureTag } from '../cosign/simple-signing.ts';
import { type Descriptor, MediaType } from '../manifest.ts';
import { type PushTarget, pushBlob, pushManifest } from './push.ts';

/** A signature as cosign writes it: the base64 of a signature with the key's algorithm and SHA-256. */
export function signWith(key: KeyObject, data: Buffer): string {
  const hash = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  return sign(hash, data, key).toString('base64');
}

/** Pushes a signature of a manifest under its tag. @param digest what the payload names, for forgeries */
export async function pushSignature(
  target: PushTarget,
  name: string,
  subject: Descriptor,
  key: KeyObject,
  { digest = subject.digest, type = 'cosign container image signature' } = {},
): Promise<void> {
  const image = { 'docker-manifest-digest': digest };
  const payload = Buffer.from(JSON.stringify({ critical: { type, image }, optional: null }));
  const annotations = { 'dev.cosignproject.cosign/signature': signWith(key, payload) };
  const config = await pushBlob(target, name, Buffer.from('{}'));
  const layer = await pushBlob(target, name, payload);
  const signed = {
    ...{ schemaVersion: 2, mediaType: MediaType.image },
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
    layers: [{ mediaType: SIMPLE_SIGNING, ...layer, annotations }],
  };
  await pushManifest(target, name, signed, signatureTag(subject.digest));
}
