// Reads what a source that requires a signature trusts: keys, a policy of notation, or a trusted root of Sigstore with
// identities.
import { createHash, type KeyObject } from 'node:crypto';
import { orAborted } from '@weir/async';
import { type KubeClient, readSecret, type SecretData } from '@weir/kube';
import { parsePublicKey } from '@weir/oci';
import type { TrustedRoot } from '@weir/sigstore';

export type Trust = {
  /** Represents everything that is trusted: with equal fingerprints a result may be used again. */
  fingerprint: string;
} & (
  | { kind: 'keys'; keys: KeyObject[] }
  | { kind: 'notation'; policy: string; certificates: Buffer[] }
  | { kind: 'keyless'; trustedRoot: string; identities: { issuer: string; subject: string }[] }
);

/** `spec.verify` of a kind. */
export interface Verification {
  provider: string;
  secretRef?: { name: string };
  matchOIDCIdentity?: readonly { issuer: string; subject: string }[];
  trustedRootSecretRef?: { name: string };
}

const POLICY = 'trustpolicy.json';
const TRUSTED_ROOT = 'trusted_root.json';
/** Certificates of a policy: with more of them each signature would take long. */
const MAX_CERTIFICATES = 200;

/** Where the trusted keys and certificates are read from. */
export interface TrustOrigins {
  client: KubeClient;
  /** What Sigstore publishes, for keyless signatures when no Secret has a trusted root. */
  trustedRoot: TrustedRoot;
}

/**
 * Reads what `spec.verify` names. With a Secret of keys, a trusted root is read but not used, as in Flux.
 * @throws Error with Flux's messages; the API server's error for a missing Secret; SigstoreError
 */
export async function readTrust(
  { client, ...origins }: TrustOrigins,
  namespace: string,
  verification: Verification,
  signal: AbortSignal,
): Promise<Trust> {
  const { provider, secretRef, trustedRootSecretRef, matchOIDCIdentity = [] } = verification;
  const read = ({ name }: { name: string }) => readSecret(client, { namespace, name }, { signal });
  if (provider === 'notation') {
    if (secretRef === undefined) throw new Error('verification secret cannot be empty');
    return notationTrust(await read(secretRef), `${namespace}/${secretRef.name}`);
  }
  const given =
    trustedRootSecretRef &&
    (await trustedRootOf(() => read(trustedRootSecretRef), namespace, trustedRootSecretRef.name));
  if (secretRef !== undefined) return keysTrust(await read(secretRef));
  const trustedRoot = given ?? (await orAborted(origins.trustedRoot.read(), signal));
  const identities = matchOIDCIdentity.map(({ issuer, subject }) => ({ issuer, subject }));
  const hashed = Buffer.from(JSON.stringify([trustedRoot, identities]));
  return { kind: 'keyless', trustedRoot, identities, fingerprint: fingerprintOf([hashed]) };
}

/** The provider's name in Flux's messages. */
export function providerOf({ provider, secretRef }: Verification): string {
  return provider === 'cosign' && secretRef === undefined ? 'cosign keyless' : provider;
}

/** The keys are the entries whose names end with `.pub`. */
function keysTrust(data: SecretData): Trust {
  const contents = valuesOf(data, (name) => name.endsWith('.pub'));
  const keys = contents.map((content) => parsePublicKey(content.toString('utf8')));
  return { kind: 'keys', keys, fingerprint: fingerprintOf(contents) };
}

function notationTrust(data: SecretData, secret: string): Trust {
  const policy = data.get(POLICY);
  if (policy === undefined) throw new Error(`'${POLICY}' not found in secret '${secret}'`);
  const certificates = valuesOf(data, (name) => name.endsWith('.crt') || name.endsWith('.pem'));
  if (certificates.length === 0) throw new Error(`no certificates found in secret '${secret}'`);
  if (certificates.length > MAX_CERTIFICATES) {
    throw new Error(`more than ${MAX_CERTIFICATES} certificates in secret '${secret}'`);
  }
  const fingerprint = fingerprintOf([policy, ...certificates]);
  return { kind: 'notation', policy: policy.toString('utf8'), certificates, fingerprint };
}

async function trustedRootOf(
  read: () => Promise<SecretData>,
  namespace: string,
  name: string,
): Promise<string> {
  const secret = `${namespace}/${name}`;
  try {
    const root = (await read()).get(TRUSTED_ROOT);
    if (root === undefined) throw new Error(`'${TRUSTED_ROOT}' not found in secret '${secret}'`);
    return root.toString('utf8');
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`failed to read trusted root from secret '${secret}': ${message}`, { cause });
  }
}

/** Sorted by name, so that the same content has the same fingerprint. */
function valuesOf(data: SecretData, isWanted: (name: string) => boolean): Buffer[] {
  const names = [...data.keys()].filter(isWanted).sort();
  return names.flatMap((name) => data.get(name) ?? []);
}

function fingerprintOf(contents: readonly Buffer[]): string {
  const hash = createHash('sha256');
  for (const content of contents) hash.update(`${content.length}:`).update(content);
  return `sha256:${hash.digest('hex')}`;
}
