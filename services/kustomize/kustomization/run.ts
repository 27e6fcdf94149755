// What all steps of one run share. What a step finds out it returns, and later steps are given it.
import type { Artifact, Kustomization } from '@weir/api';
import { type TargetCluster, targetCluster } from '@weir/apply';
import type { ReconcileContext } from '@weir/controller';
import { originRevision } from '@weir/sources';
import type { Environment } from './environment.ts';
import { createEventPublisher, type EventPublisher } from './status/events.ts';
import { openRunStatus, type RunStatus } from './status/run-status.ts';

export interface Run {
  env: Environment;
  object: Kustomization;
  ctx: ReconcileContext;
  status: RunStatus;
  events: EventPublisher;
  /** Where the Kustomization is applied, with the rights that it acts with. */
  cluster: TargetCluster;
  startedAt: Date;
}

export function beginRun(env: Environment, object: Kustomization, ctx: ReconcileContext): Run {
  const status = openRunStatus(env, object, ctx);
  const events = createEventPublisher(env, object, status, ctx);
  const cluster = targetCluster(env.cluster, object, env.settings.defaultServiceAccount);
  return { env, object, ctx, status, events, cluster, startedAt: new Date() };
}

/** The revisions that events about an artifact carry. */
export function revisionsOf(artifact: Artifact) {
  return { revision: artifact.revision, originRevision: originRevision(artifact) };
}
