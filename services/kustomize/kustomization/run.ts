// What all steps of one run share. The result of a step is returned, and passed to later steps.
import type { Artifact, Kustomization } from '@weir/api';
import type { TargetCluster } from '@weir/apply';
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
  startedAt: Date;
}

/** A run with the cluster that the Kustomization is applied to. */
export interface ClusterRun extends Run {
  /** It has the rights that the Kustomization acts with. */
  cluster: TargetCluster;
  /** Which cluster it is; undefined for the one that the service runs in. */
  clusterID: string | undefined;
}

export function beginRun(env: Environment, object: Kustomization, ctx: ReconcileContext): Run {
  const status = openRunStatus(env, object, ctx);
  const events = createEventPublisher(env, object, status, ctx);
  return { env, object, ctx, status, events, startedAt: new Date() };
}

/** The revisions that events about an artifact carry. */
export function revisionsOf(artifact: Artifact) {
  return { revision: artifact.revision, originRevision: originRevision(artifact) };
}
