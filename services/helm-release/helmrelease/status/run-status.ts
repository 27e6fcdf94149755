// The status of a HelmRelease during one run: what the steps report, and when it is written.
import {
  DRIFTED,
  type HelmRelease,
  HelmRelease as HelmReleaseKind,
  type HelmReleaseStatus,
  RELEASED,
  REMEDIATED,
  TEST_SUCCESS,
} from '@weir/api';
import type { ReconcileContext } from '@weir/controller';
import { openStatus, type State, type StatusSession, setFields } from '@weir/reconcile';
import type { Environment } from '../environment.ts';
import { CONTROLLER } from '../names.ts';
import type { WorkingStatus } from '../release/state.ts';
import type { Report } from './conditions.ts';

type Session = StatusSession<HelmRelease, HelmReleaseStatus>;

export interface RunStatus
  extends Pick<
    Session,
    'report' | 'update' | 'show' | 'save' | 'finish' | 'abandon' | 'persisted'
  > {
  /** All fields but the conditions, as the run has set them so far. */
  fields(): WorkingStatus;
  /** Sets fields; `undefined` removes one. */
  set(fields: { [Name in keyof WorkingStatus]?: WorkingStatus[Name] | undefined }): void;
  condition(type: string): State | undefined;
}

/** Starts from the present status of the object. */
export function openRunStatus(
  { client, releases }: Pick<Environment, 'client' | 'releases'>,
  object: HelmRelease,
  ctx: ReconcileContext,
): RunStatus {
  const session: Session = openStatus<HelmRelease, HelmReleaseStatus>(object, ctx, {
    client,
    kind: HelmReleaseKind,
    fieldManager: CONTROLLER,
    informer: releases,
    types: { others: [RELEASED, REMEDIATED, TEST_SUCCESS, DRIFTED] },
  });
  return {
    ...session,
    fields: () => session.report().fields,
    set: (fields) => session.update((report: Report) => setFields(report, fields)),
    condition: (type) => session.report().states.get(type),
  };
}
