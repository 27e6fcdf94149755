// What all steps of one run share. What a step finds out it returns, and later steps are given it.
import type { HelmRelease } from '@weir/api';
import { type TargetCluster, targetCluster } from '@weir/apply';
import type { ReconcileContext } from '@weir/controller';
import type { Environment } from './environment.ts';
import { createEventPublisher, type EventPublisher } from './status/events.ts';
import { openRunStatus, type RunStatus } from './status/run-status.ts';

export interface Run {
  env: Environment;
  object: HelmRelease;
  ctx: ReconcileContext;
  status: RunStatus;
  events: EventPublisher;
  /** Where the chart is released, with the rights that the HelmRelease acts with. */
  cluster: TargetCluster;
}

export function beginRun(env: Environment, object: HelmRelease, ctx: ReconcileContext): Run {
  const status = openRunStatus(env, object, ctx);
  const events = createEventPublisher(env, object, ctx);
  const cluster = targetCluster(env.cluster, object, env.settings.defaultServiceAccount);
  return { env, object, ctx, status, events, cluster };
}
