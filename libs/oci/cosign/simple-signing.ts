import type { KeyObject } from 'node:crypto';
import { parseBase64, parseObject } from './parse.ts';
import { isSignedBy } from './public-key.ts';

/** The media type of what cosign signed before it had bundles (cosign, specs/SIGNATURE_SPEC.md). */
export const SIMPLE_SIGNING = 'application/vnd.dev.cosign.simplesigning.v1+json';

const SIGNATURE = 'dev.cosignproject.cosign/signature';
const TYPE = 'cosign container image signature';

/** The tag under which such signatures of a manifest are kept. */
export function signatureTag(digest: string): string {
  return `${digest.replace(':', '-')}.sig`;
}

/** Whether a payload names the manifest, and the annotations of its layer have its signature by the key. */
export function isPayloadSigned(
  payload: Buffer,
  annotations: Record<string, string>,
  digest: string,
  key: KeyObject,
): boolean {
  const signature = parseBase64(annotations[SIGNATURE]);
  if (signature === undefined || !isSignedBy(key, payload, signature)) return false;
  const { critical } = parseObject(payload) ?? {};
  const { type, image } = (critical ?? {}) as Record<string, unknown>;
  const named = ((image ?? {}) as Record<string, unknown>)['docker-manifest-digest'];
  return type === TYPE && named === digest;
}
