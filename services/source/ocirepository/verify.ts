// The signature that an OCIRepository requires.

import { createHash } from 'node:crypto';
import { type OCIRepository, Reason } from '@weir/api';
import { orAborted } from '@weir/async';
import { type KubeClient, readSecret } from '@weir/kube';
import { formatReference, parsePublicKey } from '@weir/oci';
import { Failure, messageOf } from '@weir/reconcile';
import type { SourceRun } from '../shared/run.ts';
import { asNotVerified, asUnverified, asVerified, isVerified } from '../shared/verification.ts';
import type { Fetcher, Wanted } from './fetch.ts';
import type { Resolved } from './revision.ts';
import type { Trust } from './trust.ts';

/**
 * Verifies that a revision is signed, unless it was before, and says so in the status.
 * @returns the fingerprint of what it was verified against; undefined where the spec asks for no signature
 * @throws Failure VerificationError
 */
export async function verifyRevision(
  { object, context, status, signal, environment }: SourceRun<OCIRepository>,
  wanted: Wanted,
  { revision, digest }: Resolved,
  fetcher: Fetcher,
): Promise<string | undefined> {
  const { verify } = object.spec;
  if (verify === undefined) {
    status.update(asNotVerified);
    return undefined;
  }
  try {
    const trust = await readTrust(environment.client, object, signal);
    if (isVerified(object, revision, trust.fingerprint)) return trust.fingerprint;
    const isSigned = await context.waiting(() =>
      orAborted(fetcher.isSigned(wanted, digest, trust), signal),
    );
    if (!isSigned) {
      const name = formatReference({ repository: wanted.remote.repository, digest });
      throw new Error(`no matching signatures were found for '${name}'`);
    }
    status.update((it) => asVerified(it, `verified signature of revision ${revision}`));
    return trust.fingerprint;
  } catch (cause) {
    if (signal.aborted) throw cause;
    const message = `failed to verify the signature using provider '${verify.provider}': ${messageOf(cause)}`;
    status.update((it) => asUnverified(it, message));
    throw new Failure(Reason.VerificationError, message, { cause });
  }
}

/** The keys of the Secret, which are those whose name ends with `.pub`. */
async function readTrust(
  client: KubeClient,
  { spec, metadata }: OCIRepository,
  signal: AbortSignal,
): Promise<Trust> {
  const { namespace = '' } = metadata;
  const name = spec.verify?.secretRef?.name ?? '';
  const data = await readSecret(client, { namespace, name }, { signal });
  const names = [...data.keys()].filter((key) => key.endsWith('.pub')).sort();
  const hash = createHash('sha256');
  const keys = names.map((key) => {
    const content = data.get(key) ?? Buffer.alloc(0);
    hash.update(`${content.length}:`).update(content);
    return parsePublicKey(content.toString('utf8'));
  });
  return { keys, fingerprint: `sha256:${hash.digest('hex')}` };
}
