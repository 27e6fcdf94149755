// The steps that begin and end a reconciliation of an ImageUpdateAutomation, with Flux's conditions and events.
import {
  findCondition,
  formatTime,
  type ImageUpdateAutomation,
  type ImageUpdateAutomationStatus,
  ImageUpdateAutomation as Kind,
  READY,
  Reason,
} from '@weir/api';
import type { Outcome, ReconcileContext } from '@weir/controller';
import {
  asProgressing,
  asSucceeded,
  beginObjectRun,
  failObjectRun,
  intervalMs,
  isAwaited,
  type ObjectRun,
  type StatusReport,
  setFields,
} from '@weir/reconcile';
import type { AutomationEnvironment } from './environment.ts';
import type { ImageRef } from './setters/marker.ts';
import type { Pushed, Synced } from './sync-inputs.ts';

const COMPONENT = 'image-automation-controller';
const READY_MESSAGE = 'repository up-to-date';

export interface Run extends ObjectRun<ImageUpdateAutomation, ImageUpdateAutomationStatus> {
  environment: AutomationEnvironment;
}

/**
 * Begins a run. Undefined when there is nothing to do: the object is gone, being deleted or suspended.
 */
export async function beginRun(
  found: ImageUpdateAutomation,
  context: ReconcileContext,
  environment: AutomationEnvironment,
): Promise<Run | undefined> {
  const { client, automations: informer } = environment;
  const run = await beginObjectRun<ImageUpdateAutomation, ImageUpdateAutomationStatus>(
    found,
    context,
    {
      ...{ client, kind: Kind, informer, fieldManager: COMPONENT, types: {}, isAwaited },
      keepsRequests: true,
      begun: asBegun,
    },
  );
  return run && { ...run, environment };
}

function asBegun(
  report: StatusReport<ImageUpdateAutomationStatus>,
  { metadata, status }: ImageUpdateAutomation,
) {
  const { generation = 0 } = metadata;
  const before = status?.observedGeneration ?? -1;
  const message =
    before === generation
      ? 'reconciliation in progress'
      : `processing object: new generation ${before} -> ${generation}`;
  const isSet = report.states.get(READY) !== undefined;
  const doing = asProgressing(report, message, isSet ? undefined : message);
  return setFields(doing, { lastAutomationRunTime: formatTime(new Date()) });
}

/** Writes the final status of a successful run. */
export async function succeed(
  { object, status, environment }: Run,
  { revision, isSame, pushed, notes = [] }: Synced,
  chosen: ReadonlyMap<string, ImageRef>,
): Promise<Outcome> {
  status.update((report) => {
    const observed = isSame
      ? report
      : setFields(report, {
          observedSourceRevision: revision,
          observedPolicies: chosen.size === 0 ? undefined : Object.fromEntries(chosen),
        });
    const last = pushed.at(-1);
    const pushedTo = last
      ? setFields(observed, {
          lastPushCommit: last.commit,
          lastPushTime: formatTime(last.when),
        })
      : observed;
    return asSucceeded(pushedTo, { reason: Reason.Succeeded, message: READY_MESSAGE });
  });
  await status.finish();
  const wasReady = findCondition(object.status?.conditions, READY)?.status === 'True';
  const happened = [...pushed.map(summaryOf), ...notes];
  if (happened.length > 0 || !wasReady) {
    environment.recorders[COMPONENT].event(object, {
      severity: 'info',
      reason: Reason.Succeeded,
      message: happened.length > 0 ? happened.join('\n') : READY_MESSAGE,
    });
  }
  return { requeueAfterMs: intervalMs(object.spec.interval, environment.minIntervalMs) };
}

/** As Flux writes it. */
function summaryOf({ commit, branch, refspec, message }: Pushed): string {
  const also = refspec === undefined ? '' : ` and refspecs '${refspec}'`;
  const line = `pushed commit '${commit.slice(0, 7)}' to branch '${branch}'${also}`;
  return message === '' ? line : `${line}\n${message}`;
}

/**
 * Writes the final status of a failed run, and publishes an event unless the status had the same failure before and no
 * run was requested.
 */
export function fail(run: Run, error: unknown): Promise<Outcome> {
  const { recorders, signal: stopping } = run.environment;
  return failObjectRun(run, error, { recorder: recorders[COMPONENT], stopping });
}
