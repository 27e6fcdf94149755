// The inputs of a release, and the contexts for Helm's actions.
import type { ReleaseSnapshot } from '@weir/api';
import { accountName } from '@weir/apply';
import { objectKey } from '@weir/kube';
import type { ActionContext, LoadedChart, ReleaseContext } from '../actions/types.ts';
import type { Run } from '../run.ts';
import { latest } from './history.ts';
import { createLogLines, type LogLines } from './log-lines.ts';
import { type ReleaseTarget, releaseTarget, type TimedAction, timeoutMs } from './names.ts';
import type { StoredRelease, VersionStorage } from './types.ts';

/** What is known before the first decision. */
export interface Prepared {
  chart: LoadedChart;
  values: ReleaseContext['values'];
  storage: VersionStorage;
  target: ReleaseTarget;
}

/** Causes of runs that always read the storage from the API server, so that revoked rights are noticed. */
const ASKING = ['requested', 'spec', 'retry'];

/** Opens the storage of the release that the spec names, or of another one. */
export function openStorage(
  run: Run,
  { name, storageNamespace: namespace }: ReleaseTarget = releaseTarget(run.object),
): VersionStorage {
  const { env, object, cluster, ctx, status } = run;
  const account = accountName(object, env.settings.defaultServiceAccount) ?? '';
  const hasOwnRights = cluster.client === env.clusters.own.client;
  const ociDigestOf = (version: number) =>
    status.fields().history?.find((snapshot) => snapshot.version === version)?.ociDigest;
  return run.cluster.actions.openStorage({
    cluster,
    pool: env.pool,
    target: { namespace, name, ociDigestOf },
    tenant: object.metadata.namespace ?? '',
    reader: hasOwnRights ? undefined : `${objectKey(object)} ${account}`,
    fresh:
      object.metadata.deletionTimestamp !== undefined ||
      ASKING.some((cause) => ctx.causes.has(cause)),
    signal: ctx.signal,
  });
}

export function actionContext(
  run: Run,
  { storage, target }: Pick<Prepared, 'storage' | 'target'>,
  action?: TimedAction,
  remember: (release: StoredRelease) => void = () => undefined,
): { context: ActionContext; lines: LogLines } {
  const { env, object, cluster, ctx } = run;
  const lines = createLogLines();
  const context: ActionContext = {
    object,
    release: { name: target.name, namespace: target.namespace },
    storage,
    cluster,
    hasOwnRights: cluster.client === env.clusters.own.client,
    pool: env.pool,
    options: {
      helm3Defaults: env.settings.gates.UseHelm3Defaults,
      concurrency: env.settings.concurrentSsa,
      overrideManagers: env.settings.overrideManagers,
    },
    timeoutMs: timeoutMs(object, action),
    signal: ctx.signal,
    superseded: ctx.superseded,
    guard: ctx.guard,
    waiting: ctx.waiting,
    record: async (release) => remember(release),
    line: lines.add,
    log: ctx.log,
  };
  return { context, lines };
}

/** The last version that the status records. */
export function currentOf({ status }: Run): ReleaseSnapshot | undefined {
  return latest(status.fields().history ?? []);
}
