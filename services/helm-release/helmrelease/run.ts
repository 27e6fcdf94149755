// What all steps of one run share. What a step finds out it returns, and later steps are given it.
import type { HelmRelease } from '@weir/api';
import type { ReconcileContext } from '@weir/controller';
import type { ReleaseCluster } from './cluster/open.ts';
import type { Environment } from './environment.ts';
import { createEventPublisher, type EventPublisher } from './status/events.ts';
import { openRunStatus, type RunStatus } from './status/run-status.ts';

export interface BaseRun {
  env: Environment;
  object: HelmRelease;
  ctx: ReconcileContext;
  status: RunStatus;
  events: EventPublisher;
}

/** A run that knows where the chart is released. */
export interface Run extends BaseRun {
  /** With the rights that the HelmRelease acts with. */
  cluster: ReleaseCluster;
}

export function beginRun(env: Environment, object: HelmRelease, ctx: ReconcileContext): BaseRun {
  const status = openRunStatus(env, object, ctx);
  const events = createEventPublisher(env, object, ctx);
  return { env, object, ctx, status, events };
}
