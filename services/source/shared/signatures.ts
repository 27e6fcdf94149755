// Verifies that a manifest has a trusted signature: finds signatures in the registry, and passes them to the verifier
// of their format.
import {
  type CosignSignature,
  cosignSignatures,
  findSigner,
  formatReference,
  notationSignatures,
  type Registry,
  type Repository,
} from '@weir/oci';
import type { OldSignature, Verifiers } from '@weir/render';
import type { Trust } from './trust.ts';

export interface SignatureOptions {
  registry: Registry;
  repository: Repository;
  /** Digest of the manifest that must be signed. */
  digest: string;
  trust: Trust;
  verifiers: Verifiers;
  tenant: string;
  /** Ends the search. */
  signal: AbortSignal;
}

/**
 * `verified`, or `ignored` where a policy of notation requires no signature or only logs failures. Otherwise `failed`,
 * with the reason for the status.
 */
export type Verdict =
  | { result: 'verified' | 'ignored' }
  | {
      result: 'failed';
      reason: string;
      /** What is wrong with each signature that was found, up to a number of them; empty when there is no signature. */
      signatures: string[];
    };

/** cosign's message for a signature of another key. */
const OTHER_KEY = 'invalid signature when validating ASN.1 encoded signature';
/** Signatures whose reason a message names: anybody who may push can add signatures. */
const MAX_REASONS = 3;

/**
 * @throws OciError when the registry doesn't say which signatures exist; RenderError for a policy that can't be used
 */
export async function verifySignature(options: SignatureOptions): Promise<Verdict> {
  const { trust } = options;
  if (trust.kind === 'notation') return await byNotation(options, trust);
  if (trust.kind === 'keyless') return await byIdentity(options, trust);
  const { registry, repository, digest, signal } = options;
  const manifest = { name: repository.name, digest };
  const signedBy = await findSigner(registry, manifest, trust.keys, signal);
  if (signedBy === 'key') return { result: 'verified' };
  const signatures = signedBy === 'others' ? [OTHER_KEY] : [];
  return { result: 'failed', reason: noMatch(options), signatures };
}

async function byNotation(
  { registry, repository, digest, verifiers, tenant, signal }: SignatureOptions,
  { policy, certificates }: Trust & { kind: 'notation' },
): Promise<Verdict> {
  const { name } = repository;
  const { manifest, bytes } = await registry.manifest(name, digest, signal);
  const reference = formatReference({ repository, digest });
  const artifact = { mediaType: manifest.mediaType, digest, size: bytes.length };
  const request = { reference, artifact, policy, certificates };
  // A policy that can't be used, or that requires no signature, is found out without asking the registry.
  const { result } = await verifiers.notation(request, { tenant, signal });
  if (result === 'skipped') return { result: 'ignored' };
  const reasons: string[] = [];
  let isTolerated = false;
  for await (const signature of notationSignatures(registry, { name, digest }, signal)) {
    const { result, reason } = await verifiers.notation(
      { ...request, signature },
      { tenant, signal },
    );
    if (result === 'verified') return { result };
    isTolerated ||= result === 'tolerated';
    reasons.push(`failed to verify signature with digest ${signature.digest}, ${reason}`);
  }
  if (isTolerated) return { result: 'ignored' };
  const none = `no signature is associated with "${reference}", make sure the artifact was signed successfully`;
  const signatures = reasons.slice(0, MAX_REASONS);
  if (signatures.length === 0) return { result: 'failed', reason: none, signatures };
  const reason = ['signature verification failed', ...signatures].join('\n');
  return { result: 'failed', reason, signatures };
}

async function byIdentity(
  options: SignatureOptions,
  { trustedRoot, identities }: Trust & { kind: 'keyless' },
): Promise<Verdict> {
  const { registry, repository, digest, verifiers, tenant, signal } = options;
  const request = { digest, trustedRoot, identities };
  const reasons: string[] = [];
  const found = cosignSignatures(registry, { name: repository.name, digest }, signal);
  for await (const one of found) {
    const signature = one.kind === 'bundle' ? { bundle: one.bytes } : oldSignature(one);
    const { verified, reason } = await verifiers.keyless(
      { ...request, signature },
      { tenant, signal },
    );
    if (verified) return { result: 'verified' };
    reasons.push(reason ?? '');
  }
  const signatures = reasons.slice(0, MAX_REASONS);
  return { result: 'failed', reason: [noMatch(options), ...signatures].join(': '), signatures };
}

/** The annotations of cosign 2 (specs/SIGNATURE_SPEC.md). */
function oldSignature({
  payload,
  annotations,
}: CosignSignature & { kind: 'payload' }): OldSignature {
  const text = (name: string) => annotations[name] ?? '';
  return {
    payload,
    signature: Buffer.from(text('dev.cosignproject.cosign/signature'), 'base64'),
    certificate: text('dev.sigstore.cosign/certificate'),
    rekorBundle: text('dev.sigstore.cosign/bundle'),
    timestamp: text('dev.sigstore.cosign/rfc3161timestamp'),
  };
}

function noMatch({ repository, digest }: SignatureOptions): string {
  return `no matching signatures were found for '${formatReference({ repository, digest })}'`;
}
