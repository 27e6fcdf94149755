// Verifies the signature that an OCIRepository requires.
import { type OCIRepository, Reason } from '@weir/api';
import { orAborted } from '@weir/async';
import { Failure, messageOf } from '@weir/reconcile';
import type { SourceRun } from '../shared/run.ts';
import { providerOf, readTrust } from '../shared/trust.ts';
import { asNotVerified, asUnverified, asVerified, isVerified } from '../shared/verification.ts';
import type { Fetcher, Wanted } from './fetch.ts';
import type { Resolved } from './revision.ts';

/**
 * Verifies that a revision is signed, unless it was verified before, and reports the result in the status.
 * @returns the fingerprint of the keys or policy that verified it; undefined where the spec, or its policy, requires no
 * signature
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
    const { namespace = '' } = object.metadata;
    const trust = await readTrust(environment, namespace, verify, signal);
    if (isVerified(object, revision, trust.fingerprint)) return trust.fingerprint;
    const verdict = await context.waiting(() =>
      orAborted(fetcher.verify(wanted, digest, trust), signal),
    );
    if (verdict.result === 'failed') throw new Error(verdict.reason);
    if (verdict.result === 'ignored') {
      status.update(asNotVerified);
      return undefined;
    }
    status.update((it) => asVerified(it, `verified signature of revision ${revision}`));
    return trust.fingerprint;
  } catch (cause) {
    if (signal.aborted) throw cause;
    const message = `failed to verify the signature using provider '${providerOf(verify)}': ${messageOf(cause)}`;
    status.update((it) => asUnverified(it, message));
    throw new Failure(Reason.VerificationError, message, { cause });
  }
}
