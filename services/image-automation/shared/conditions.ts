// The conditions of image kinds, in the words of Flux's controllers.
import { READY } from '@weir/api';
import type { KubeObject } from '@weir/kube';
import { asProgressing, type CommonStatus, type StatusReport } from '@weir/reconcile';

/** A run has begun. */
export function asBegun<Status extends CommonStatus>(
  report: StatusReport<Status>,
  object: KubeObject & { status?: Status },
): StatusReport<Status> {
  const { generation } = report;
  const before = object.status?.observedGeneration ?? -1;
  const message =
    before === generation
      ? 'reconciliation in progress'
      : `processing object: new generation ${before} -> ${generation}`;
  const isReadySet = report.states.get(READY) !== undefined;
  return asProgressing(report, message, isReadySet ? undefined : message);
}
