// The conditions of image kinds, with the messages of Flux's controllers.
import { READY, STALLED } from '@weir/api';
import type { KubeObject } from '@weir/kube';
import { asProgressing, type CommonStatus, type StatusReport } from '@weir/reconcile';

/** For the start of a run. */
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

/** For a suspended object: as in Flux, its conditions from before count for the generation that suspends it. */
export function asSuspended<Status extends CommonStatus>(
  report: StatusReport<Status>,
): StatusReport<Status> {
  const isTrue = (type: string) => report.states.get(type)?.status === 'True';
  if (!isTrue(READY) && !isTrue(STALLED)) return report;
  return { ...report, fields: { ...report.fields, observedGeneration: report.generation } };
}
