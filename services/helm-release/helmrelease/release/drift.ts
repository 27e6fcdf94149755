// The step that looks for drift in a release that is in sync: it is reported, and corrected if the spec says so.
import { DRIFTED, formatDuration, Reason } from '@weir/api';
import { asProgressing, setState } from '@weir/reconcile';
import type { Run } from '../run.ts';
import { subjectOf } from '../status/events.ts';
import { releaseLabel } from './history.ts';
import { timeoutMs } from './names.ts';
import { actionContext, currentOf, type Prepared } from './prepared.ts';
import { stateError } from './state.ts';
import type { StoredRelease } from './types.ts';

/**
 * `corrected`: the loop looks again. `again`: this run has corrected drift before. `drifted`: it is reported, and
 * stays.
 */
export type DriftOutcome = 'none' | 'corrected' | 'again' | 'drifted';

export async function requireNoDrift(
  run: Run,
  prepared: Prepared,
  last: StoredRelease,
  done: Set<string>,
): Promise<DriftOutcome> {
  const { object, status, events, ctx } = run;
  const { mode = 'disabled' } = object.spec.driftDetection ?? {};
  const current = currentOf(run);
  if (mode === 'disabled' || current === undefined) return 'none';
  const { context } = actionContext(run, prepared);
  const report = await run.cluster.actions.detectDrift(context, last);
  if (report.differences.length === 0) {
    if (report.errors.length > 0) {
      throw stateError(`unable to determine cluster state: ${report.errors.join('\n')}`, undefined);
    }
    const message = 'No drift detected against the cluster state';
    const none = { status: 'False', reason: Reason.NoDriftDetected, message } as const;
    status.update((it) => setState(it, DRIFTED, none));
    return 'none';
  }
  if (report.errors.length > 0) ctx.log.warn({ errors: report.errors }, 'not all was compared');
  const label = releaseLabel(current);
  const message = `Cluster state of release ${label} has drifted from the desired state:\n${report.message}`;
  const drifted = { status: 'True', reason: Reason.DriftDetected, message } as const;
  events.publish('error', Reason.DriftDetected, message);
  status.update((it) => setState(it, DRIFTED, drifted));
  if (mode === 'warn') return 'drifted';
  if (done.has('drift')) return 'again';
  done.add('drift');
  const limit = formatDuration(timeoutMs(object));
  const doing = `Running 'correct cluster drift' action with timeout of ${limit}`;
  status.update((it) => asProgressing(it, doing, 'correcting cluster drift'));
  status.show();
  const { changes, errors } = await run.cluster.actions.correctDrift(context, report);
  const list = changes.join('\n');
  if (errors.length > 0) {
    const partially = changes.length > 0 ? 'partially ' : '';
    const behind = changes.length > 0 ? `\n\nSuccessful corrections:\n${list}` : '';
    const why = `Failed to ${partially}correct cluster state of release ${label}:\n${errors.join('\n')}${behind}`;
    events.publish('error', Reason.DriftCorrectionFailed, why, subjectOf(current));
  } else if (changes.length > 0) {
    const corrected = `Cluster state of release ${label} has been corrected:\n${list}`;
    events.publish('info', Reason.DriftCorrected, corrected, subjectOf(current));
  }
  return 'corrected';
}
