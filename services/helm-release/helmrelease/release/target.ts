// Where a release is: when the spec names another place, or the chart another name, the release at the old one goes first.
import { RELEASED, Reason, type ReleaseSnapshot } from '@weir/api';
import { setState } from '@weir/reconcile';
import type { Run } from '../run.ts';
import { summarized } from '../status/conditions.ts';
import { subjectOf } from '../status/events.ts';
import { countFailure } from './counters.ts';
import { afterRemediation } from './fold.ts';
import { latest, releaseLabel } from './history.ts';
import * as say from './messages.ts';
import { type ReleaseTarget, releaseTarget } from './names.ts';
import { actionContext, currentOf, openStorage } from './prepared.ts';

/** What makes it another release, in Flux's words; undefined for the same one. */
export function changedTarget(
  { object, status }: Pick<Run, 'object' | 'status'>,
  chartName: string,
): string | undefined {
  const { storageNamespace = '', history = [] } = status.fields();
  const current = latest(history);
  if (storageNamespace === '' || current === undefined) return undefined;
  const target = releaseTarget(object);
  if (target.storageNamespace !== storageNamespace) return 'storage namespace';
  if (target.namespace !== current.namespace) return 'release namespace';
  if (target.name !== current.name) return 'release name';
  if (chartName === current.chartName) return undefined;
  const { chartNameChangeStrategy = 'Reinstall' } = object.spec.upgrade ?? {};
  return chartNameChangeStrategy === 'Reinstall' ? 'chart name' : undefined;
}

/** The release that the status knows, where it was stored. */
function knownTarget(run: Run, current: ReleaseSnapshot): ReleaseTarget {
  const { storageNamespace = '' } = run.status.fields();
  return { name: current.name, namespace: current.namespace, storageNamespace };
}

/**
 * Uninstalls the release that the status knows. Answers why that failed, and undefined when it is gone or there never was
 * one; then it is out of the status too.
 */
export async function uninstallKnown(run: Run): Promise<string | undefined> {
  const { env, object, status, events } = run;
  const current = currentOf(run);
  if (current !== undefined) {
    const target = knownTarget(run, current);
    const prepared = { target, storage: openStorage(run, target) };
    const { context, lines } = actionContext(run, prepared, 'uninstall');
    const result = await env.actions.uninstall(context);
    const history = afterRemediation(status.fields().history ?? [], result.releases, 'uninstall');
    status.set({ history });
    const seen = latest(history) ?? current;
    const label = releaseLabel(current);
    if (result.failure !== undefined) {
      const message = say.uninstallFailed(seen, result.failure.message);
      countFailure(run, undefined);
      setReleased(run, Reason.UninstallFailed, message);
      const shown = lines.behind(message);
      events.publish('error', Reason.UninstallFailed, shown, subjectOf(seen));
      return message;
    }
    switch (result.absent) {
      case 'missing':
        setReleased(
          run,
          Reason.UninstallSucceeded,
          `Release ${label} was not found, assuming it is uninstalled`,
        );
        break;
      case 'already':
        setReleased(run, Reason.UninstallSucceeded, `Release ${label} was already uninstalled`);
        break;
      default: {
        const message = say.uninstallSucceeded(seen);
        status.set({ inventory: undefined });
        setReleased(run, Reason.UninstallSucceeded, message);
        events.publish('info', Reason.UninstallSucceeded, message, subjectOf(seen));
      }
    }
  }
  status.set({ history: undefined, storageNamespace: undefined });
  run.cluster.drift.untrack(`${object.metadata.namespace ?? ''}/${object.metadata.name}`);
  return undefined;
}

function setReleased({ object, status }: Run, reason: string, message: string): void {
  status.update((it) =>
    summarized(setState(it, RELEASED, { status: 'False', reason, message }), object),
  );
}
