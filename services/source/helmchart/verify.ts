// Verifies the signature that a HelmChart of a registry requires.
import { BUILD_FAILED, FETCH_FAILED, type HelmChart, Reason } from '@weir/api';
import { orAborted } from '@weir/async';
import { dropStates, Failure, messageOf, setState } from '@weir/reconcile';
import { isAborted } from '../shared/charts/failures.ts';
import type { SourceRun } from '../shared/run.ts';
import { type Verdict, verifySignature } from '../shared/signatures.ts';
import { providerOf, readTrust, type Trust } from '../shared/trust.ts';
import { asNotVerified, asUnverified, asVerified } from '../shared/verification.ts';
import { buildFailure } from './build.ts';
import type { WantedChart } from './chart.ts';
import type { VerifyChart } from './remote.ts';

/**
 * The verification that the spec requires; undefined where it requires none.
 * @throws Failure VerificationError
 */
export async function readVerification({
  object,
  status,
  signal,
  environment,
}: SourceRun<HelmChart>): Promise<VerifyChart | undefined> {
  const { spec, metadata } = object;
  const { verify } = spec;
  if (verify === undefined) return undefined;
  const { namespace: tenant = '' } = metadata;
  const { verifiers } = environment;
  let trust: Trust;
  try {
    trust = await readTrust(environment, tenant, verify, signal);
    if (trust.kind === 'keys' && trust.keys.length === 0) {
      throw new Error(`no public keys found in secret '${tenant}/${verify.secretRef?.name}'`);
    }
  } catch (cause) {
    if (signal.aborted) throw cause;
    const what = `failed to verify the signature using provider '${providerOf(verify)}'`;
    const message = `${what}: ${messageOf(cause)}`;
    status.update((it) => asUnverified(it, message));
    throw new Failure(Reason.VerificationError, message, { cause });
  }
  return async ({ registry, repository, digest, reference, signal: until }) => {
    const options = { registry, repository, digest, trust, verifiers, tenant, signal: until };
    const verdict = await verifySignature(options);
    if (verdict.result !== 'failed') return verdict.result === 'verified';
    const why = trust.kind === 'notation' ? verdict.reason : cosignReason(verdict);
    throw new Error(`failed to verify ${reference}: ${why}`);
  };
}

/** cosign's messages: without any signature, and with none that is trusted. */
function cosignReason({ signatures }: Verdict & { result: 'failed' }): string {
  if (signatures.length === 0) return 'no signatures found';
  return `no matching signatures: ${signatures.join('\n ')}`;
}

/**
 * Verifies the chart, and reports the result in the status.
 * @throws Failure ChartVerificationError
 */
export async function verifyChart(
  { object, context, status, signal }: SourceRun<HelmChart>,
  chart: WantedChart,
): Promise<void> {
  if (object.spec.verify === undefined) {
    status.update(asNotVerified);
    return;
  }
  try {
    const isVerified = await context.waiting(() => orAborted(chart.verify(), signal));
    const message = `verified signature of version ${chart.version}`;
    status.update(isVerified ? (it) => asVerified(it, message) : asNotVerified);
  } catch (cause) {
    if (signal.aborted || isAborted(cause)) throw cause;
    const reason = Reason.ChartVerificationError;
    const { message } = buildFailure(reason, messageOf(cause), cause);
    status.update((it) =>
      setState(asUnverified(dropStates(it, [FETCH_FAILED]), message), BUILD_FAILED, {
        ...{ status: 'True', reason, message },
      }),
    );
    // As in Flux, Ready has the reason of SourceVerified, and the event that of BuildFailed.
    throw new Failure(Reason.VerificationError, message, {
      ...{ cause, event: { severity: 'error', message, reason } },
    });
  }
}
