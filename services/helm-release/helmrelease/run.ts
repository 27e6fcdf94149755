// What all steps of one run share. The result of a step is returned, and passed to later steps.
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

/** A run with the cluster that the chart is released to. */
export interface Run extends BaseRun {
  /** It has the rights that the HelmRelease acts with. */
  cluster: ReleaseCluster;
}

export function beginRun(env: Environment, object: HelmRelease, ctx: ReconcileContext): BaseRun {
  const status = openRunStatus(env, object, ctx);
  const events = createEventPublisher(env, object, ctx);
  return { env, object, ctx, status, events };
}
