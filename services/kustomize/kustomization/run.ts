// One run of the pipeline: what it was given, and what its steps found out.
import type { Artifact, Kustomization } from '@weir/api';
import type { ReconcileContext } from '@weir/controller';
import type { KubeClient } from '@weir/kube';
import { accountClient } from './apply/account.ts';
import type { Environment } from './environment.ts';
import { createTell, type Tell } from './status/events.ts';
import { createReport, type Report } from './status/status-report.ts';
import { originRevision } from './sources.ts';

/** What a run knows; each step adds to it. */
export interface Run {
  env: Environment;
  object: Kustomization;
  ctx: ReconcileContext;
  report: Report;
  tell: Tell;
  /** With the rights that the Kustomization acts with. */
  client: KubeClient;
  startedAt: Date;
  artifact?: Artifact;
  /** Of the built manifests: of this run, or of the one that it repeats. */
  digest?: string;
  /** Whether anything in the cluster was created, changed or deleted. */
  changed: boolean;
}

export function beginRun(env: Environment, object: Kustomization, ctx: ReconcileContext): Run {
  const report = createReport(env, object, ctx);
  const tell = createTell(env, object, report, ctx);
  const client = accountClient(env.client, object, env.settings.defaultServiceAccount);
  return { env, object, ctx, report, tell, client, startedAt: new Date(), changed: false };
}

/** The revisions that events of the run carry. */
export function revisions({ artifact }: Run) {
  return {
    revision: artifact?.revision,
    originRevision: artifact && originRevision(artifact),
  };
}
