// The condition SourceVerified, with the messages of Flux's source-controller.
import { findCondition, Reason, SOURCE_VERIFIED } from '@weir/api';
import { dropStates, type StatusReport, setState } from '@weir/reconcile';
import type { SourceObject, SourceStatus } from './source.ts';

type Report = StatusReport<SourceStatus>;

/**
 * Whether the status says that this revision was verified, for the present spec and what is trusted now.
 * @param fingerprint represents what is trusted
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

/** For a revision with a trusted signature. */
export function asVerified(report: Report, message: string): Report {
  return setState(report, SOURCE_VERIFIED, { status: 'True', reason: Reason.Succeeded, message });
}

/** For a revision without a trusted signature, or when that can't be decided. */
export function asUnverified(
  report: Report,
  message: string,
  reason: string = Reason.VerificationError,
): Report {
  return setState(report, SOURCE_VERIFIED, { status: 'False', reason, message });
}

/** For a spec that requires no signature. */
export function asNotVerified(report: Report): Report {
  return dropStates(report, [SOURCE_VERIFIED]);
}
