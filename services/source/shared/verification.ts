// The condition SourceVerified, in the words of Flux's source-controller: whether the revision carries a good signature.
import { findCondition, Reason, SOURCE_VERIFIED } from '@weir/api';
import { dropStates, type StatusReport, setState } from '@weir/reconcile';
import type { SourceObject, SourceStatus } from './source.ts';

type Report = StatusReport<SourceStatus>;

/**
 * Whether the status says that this revision was verified, for the spec as it is, and against what is trusted now.
 * @param fingerprint stands for what is trusted
 */
export function isVerified(object: SourceObject, revision: string, fingerprint: string): boolean {
  const { conditions, artifact, sourceVerificationFingerprint } = object.status ?? {};
  const verified = findCondition(conditions, SOURCE_VERIFIED);
  return (
    verified?.status === 'True' &&
    verified.observedGeneration === object.metadata.generation &&
    artifact?.revision === revision &&
    sourceVerificationFingerprint === fingerprint
  );
}

/** The revision carries a good signature. */
export function asVerified(report: Report, message: string): Report {
  return setState(report, SOURCE_VERIFIED, { status: 'True', reason: Reason.Succeeded, message });
}

/** The revision carries none, or that can't be found out. */
export function asUnverified(
  report: Report,
  message: string,
  reason: string = Reason.VerificationError,
): Report {
  return setState(report, SOURCE_VERIFIED, { status: 'False', reason, message });
}

/** The spec asks for no signature. */
export function asNotVerified(report: Report): Report {
  return dropStates(report, [SOURCE_VERIFIED]);
}
