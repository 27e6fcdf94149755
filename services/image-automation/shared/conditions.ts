// The conditions of image kinds, in the words of Flux's controllers.
import { READY, STALLED } from '@weir/api';
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

/** A suspended object: as in Flux, what was true of it when it was suspended counts for the generation that says so. */
export function asSuspended<Status extends CommonStatus>(
  report: StatusReport<Status>,
): StatusReport<Status> {
  const isTrue = (type: string) => report.states.get(type)?.status === 'True';
  if (!isTrue(READY) && !isTrue(STALLED)) return report;
  return { ...report, fields: { ...report.fields, observedGeneration: report.generation } };
}
