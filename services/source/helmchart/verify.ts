// The signature that a HelmChart of a registry requires.
import { BUILD_FAILED, FETCH_FAILED, type HelmChart, Reason } from '@weir/api';
import { orAborted } from '@weir/async';
import { isSignedByKey } from '@weir/oci';
import { dropStates, Failure, messageOf, setState } from '@weir/reconcile';
import { isAborted } from '../shared/charts/failures.ts';
import type { SourceRun } from '../shared/run.ts';
import { readTrust, type Trust } from '../shared/trust.ts';
import { asNotVerified, asUnverified, asVerified } from '../shared/verification.ts';
import { buildFailure } from './build.ts';
import type { WantedChart } from './chart.ts';
import type { VerifyChart } from './remote.ts';

/** How to verify a manifest as the spec asks; undefined where it asks for nothing. @throws Failure VerificationError */
export async function readVerification({
  object,
  status,
  signal,
  environment,
}: SourceRun<HelmChart>): Promise<VerifyChart | undefined> {
  const { spec, metadata } = object;
  if (spec.verify === undefined) return undefined;
  const ref = { namespace: metadata.namespace ?? '', name: spec.verify.secretRef?.name ?? '' };
  let trust: Trust;
  try {
    trust = await readTrust(environment.client, ref, signal);
    if (trust.keys.length === 0) {
      throw new Error(`no public keys found in secret '${ref.namespace}/${ref.name}'`);
    }
  } catch (cause) {
    if (signal.aborted) throw cause;
    const what = `failed to verify the signature using provider '${spec.verify.provider}'`;
    const message = `${what}: ${messageOf(cause)}`;
    status.update((it) => asUnverified(it, message));
    throw new Failure(Reason.VerificationError, message, { cause });
  }
  return async ({ registry, repository, digest, reference }) => {
    const manifest = { name: repository, digest };
    if (await isSignedByKey(registry, manifest, trust.keys, signal)) return;
    throw new Error(`failed to verify ${reference}: no signatures found`);
  };
}

/** Verifies the chart, and says so in the status. @throws Failure ChartVerificationError */
export async function verifyChart(
  { object, context, status, signal }: SourceRun<HelmChart>,
  chart: WantedChart,
): Promise<void> {
  if (object.spec.verify === undefined) {
    status.update(asNotVerified);
    return;
  }
  try {
    await context.waiting(() => orAborted(chart.verify(), signal));
    status.update((it) => asVerified(it, `verified signature of version ${chart.version}`));
  } catch (cause) {
    if (signal.aborted || isAborted(cause)) throw cause;
    const reason = Reason.ChartVerificationError;
    const { message } = buildFailure(reason, messageOf(cause), cause);
    status.update((it) =>
      setState(asUnverified(dropStates(it, [FETCH_FAILED]), message), BUILD_FAILED, {
        ...{ status: 'True', reason, message },
      }),
    );
    // As in Flux: Ready has the reason of SourceVerified, the event that of BuildFailed.
    throw new Failure(Reason.VerificationError, message, {
      ...{ cause, event: { severity: 'error', message, reason } },
    });
  }
}
