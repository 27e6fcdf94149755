// The conditions of a HelmRelease as Flux sets them. Every function returns a new report.
import {
  type HelmRelease,
  type HelmReleaseStatus,
  READY,
  RECONCILING,
  RELEASED,
  REMEDIATED,
  Reason,
  STALLED,
  TEST_SUCCESS,
} from '@weir/api';
import { dropStates, type State, type StatusReport, setFields, setState } from '@weir/reconcile';
import { commonMetadataDigest, postRenderersDigest } from '../release/digests.ts';

export type Report = StatusReport<HelmReleaseStatus>;

/** For a failure that will be tried again. */
export function asRetrying(report: Report, message: string): Report {
  const reason = Reason.ProgressingWithRetry;
  return setState(dropStates(report, [STALLED]), RECONCILING, { status: 'True', reason, message });
}

/** For a failure after which nothing is tried until something changes. */
export function asStalled(report: Report, reason: string, message: string): Report {
  const stalled = setState(report, STALLED, { status: 'True', reason, message });
  return asObserved(dropStates(stalled, [RECONCILING]));
}

/** For a run that did everything that there is to do for this generation. */
export function asObserved(report: Report): Report {
  return setFields(report, { observedGeneration: report.generation });
}

/** Sets Ready to the state of the most important condition about the release. */
export function summarized(report: Report, { spec }: HelmRelease): Report {
  const { enable = false, ignoreFailures = false } = spec.test ?? {};
  const types =
    enable && !ignoreFailures ? [REMEDIATED, TEST_SUCCESS, RELEASED] : [REMEDIATED, RELEASED];
  const kept = enable ? report : dropStates(report, [TEST_SUCCESS]);
  const observed = setFields(kept, {
    observedPostRenderersDigest: postRenderersDigest(spec) || undefined,
    observedCommonMetadataDigest: commonMetadataDigest(spec) || undefined,
  });
  const [first] = types
    .flatMap((type) => {
      const state = observed.states.get(type);
      return state === undefined ? [] : [{ type, state }];
    })
    // Within the same generation the order of types decides.
    .sort((a, b) => generationOf(observed, b.state) - generationOf(observed, a.state));
  if (first === undefined) return observed;
  const { reason, message } = first.state;
  // A remediated release counts as failed.
  const status = first.type === REMEDIATED ? 'False' : first.state.status;
  const clean = status === 'True' ? dropStates(observed, [STALLED]) : observed;
  return setState(clean, READY, { status, reason, message });
}

/** Removes these reasons from Ready, once their obstacles are gone. */
export function withoutObstacle(report: Report, reasons: readonly string[]): Report {
  const ready = report.states.get(READY);
  if (ready?.status !== 'False' || !reasons.includes(ready.reason)) return report;
  const message = 'reconciliation in progress';
  return setState(report, READY, { status: 'Unknown', reason: Reason.Progressing, message });
}

function generationOf(report: Report, state: State & { observedGeneration?: number }): number {
  return state.observedGeneration ?? report.generation;
}
