// Handles a change of the release's identity: when the spec names another place, or the chart has another name, the old
// release is uninstalled first.
import { type HelmRelease, RELEASED, Reason, type ReleaseSnapshot } from '@weir/api';
import { isForbidden, objectKey } from '@weir/kube';
import { findCause, setState } from '@weir/reconcile';
import { GROUP } from '../names.ts';
import type { Run } from '../run.ts';
import { summarized } from '../status/conditions.ts';
import { subjectOf } from '../status/events.ts';
import { countFailure } from './counters.ts';
import { latest, releaseLabel, snapshotOf } from './history.ts';
import { afterRemediation } from './history-after-action.ts';
import * as say from './messages.ts';
import { type ReleaseTarget, releaseTarget } from './names.ts';
import { actionContext, currentOf, openStorage } from './prepared.ts';
import type { StoredRelease } from './types.ts';

/** What makes it another release, in Flux's words; undefined if it is the same. */
export function changedTarget(
  { object, status }: { object: HelmRelease; status: Pick<Run['status'], 'fields'> },
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

/** The release that the status records, at the place where it was stored. */
function knownTarget(run: Run, current: ReleaseSnapshot): ReleaseTarget {
  const { storageNamespace = '' } = run.status.fields();
  return { name: current.name, namespace: current.namespace, storageNamespace };
}

/**
 * The release that this HelmRelease has made without recording it: the process was killed before it could write the
 * status. The labels of its objects name the HelmRelease. Undefined if the account may not look.
 */
async function unknownRelease(run: Run): Promise<StoredRelease | undefined> {
  const { object, ctx } = run;
  try {
    const last = await openStorage(run).last();
    const isOwn = last?.origin === objectKey(object) && last.info.status !== 'uninstalled';
    return isOwn ? last : undefined;
  } catch (error) {
    if (findCause(error, isForbidden) === undefined) throw error;
    ctx.log.warn(
      { err: error },
      'whether there is a release that the status does not know of was not found out',
    );
    return undefined;
  }
}

/** The release to uninstall, with its place. */
async function installed(
  run: Run,
): Promise<{ current: ReleaseSnapshot; target: ReleaseTarget } | undefined> {
  const current = currentOf(run);
  if (current !== undefined) return { current, target: knownTarget(run, current) };
  const unknown = await unknownRelease(run);
  return unknown && { current: snapshotOf(unknown, {}), target: releaseTarget(run.object) };
}

/** With this annotation a release that moves to another namespace leaves nothing behind in the old one. */
const CLEANED_UP = { key: `${GROUP}/cleanUpAfterMove`, value: 'enabled' };

/**
 * Whether the objects that a chart puts into the namespace of the release stay in the old one when the release moves.
 * Flux looks for them in the new one, where they aren't.
 */
function leavesObjects({ metadata }: HelmRelease): boolean {
  return metadata.annotations?.[CLEANED_UP.key] !== CLEANED_UP.value;
}

/**
 * Uninstalls the release that the status records, or one that was made without being recorded. `moves`: the release
 * moves to another namespace. Resolves with the reason of a failure, or with undefined when the release is gone or
 * never existed; then it is removed from the status too.
 */
export async function uninstallKnown(
  run: Run,
  { moves = false }: { moves?: boolean } = {},
): Promise<string | undefined> {
  const { object, status, events } = run;
  const found = await installed(run);
  if (found !== undefined) {
    const { current, target } = found;
    const prepared = { target, storage: openStorage(run, target) };
    const { context, lines } = actionContext(run, prepared, 'uninstall');
    const leavesUnplaced = moves && leavesObjects(object);
    const result = await run.cluster.actions.uninstall({ ...context, leavesUnplaced });
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
