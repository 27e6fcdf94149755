// Finds out what a HelmRelease would change if it ran now: the chart is rendered with its values as for an upgrade, and
// compared with the deployed version. Nothing is written anywhere, and no value of a Secret is in the result.
import {
  ExternalArtifact,
  HelmChart,
  type HelmRelease,
  type Kind,
  OCIRepository,
  Reason,
} from '@weir/api';
import { type TargetCluster, targetCluster } from '@weir/apply';
import { ClusterError, type Clusters, hasMoved } from '@weir/clusters';
import { type KubeClient, objectKey } from '@weir/kube';
import { Failure, messageOf } from '@weir/reconcile';
import type { SourceObject } from '@weir/sources';
import { type Logger, MASK } from '@weir/telemetry';
import { createCapabilities } from '../actions/capabilities.ts';
import { requireCompatibleCrds } from '../actions/crd-comparison.ts';
import { chartCrds, isDefinition } from '../actions/crds.ts';
import { placeObjects } from '../actions/objects/place.ts';
import { requireFit } from '../actions/prepare.ts';
import { type RenderRun, renderRelease } from '../actions/render.ts';
import { crdPolicy, installsServerSide, updatesServerSide } from '../actions/settings.ts';
import type { LoadedChart } from '../actions/types.ts';
import { type LoadContext, loadChart } from '../chart/load.ts';
import { type ChartSource, chartSourceOf, refusedSource } from '../chart/source.ts';
import { chartObjectBody, chartObjectOf } from '../chart/template.ts';
import { compareWanted } from '../chart/wanted.ts';
import { NOTHING_KNOWN } from '../release/known-storage.ts';
import { type ReleaseTarget, releaseTarget, timeoutMs } from '../release/names.ts';
import { summaryOf } from '../release/revision.ts';
import { releaseState } from '../release/state.ts';
import { openStorage } from '../release/storage.ts';
import { changedTarget } from '../release/target.ts';
import type { Revision, VersionStorage } from '../release/types.ts';
import { composeValues } from '../values/values.ts';
import { createMask } from './mask.ts';
import { compareObjects, type ObjectChange } from './objects.ts';
import { type NamedValue, namedValues, secretValues } from './values.ts';

/** The inputs of the comparison. `client` has the rights of the service, or of the user who asks. */
export type PendingEnvironment = LoadContext['env'] & {
  client: KubeClient;
  /** Finds the cluster of a release. */
  clusters: Pick<Clusters<TargetCluster>, 'enter'>;
  log: Logger;
};

export interface PendingChange {
  object: { namespace: string; name: string };
  release: ReleaseTarget;
  /** The version to compare with: the deployed one, or else the last one; undefined when nothing is installed. */
  from?: { version: number; chart: string; appVersion: string };
  to: { version: number; chart: string; appVersion: string };
  /** The state of the release and its reason; `InSync` when nothing is pending. */
  state: { name: string; reason: string };
  /** Every value that templates see, with its origin. */
  values: NamedValue[];
  /** Differences between the objects and hooks of the two manifests. */
  changes: ObjectChange[];
  /** How many objects and hooks are the same. */
  unchanged: number;
  /** Problems that would make the upgrade fail before anything is applied. */
  problems: string[];
  /** Further remarks for the reader. */
  notes: string[];
}

/**
 * Looks up and renders with the rights of the account that the HelmRelease acts as. Fails as a run would: with a
 * Failure for values and sources that can't be had, with a RenderError for a template or a schema.
 */
export async function pendingChange(
  env: PendingEnvironment,
  asked: HelmRelease,
  signal: AbortSignal,
): Promise<PendingChange> {
  const notes: string[] = [];
  const { client, object } = await enter(env, asked, { signal, notes });
  const run = { env, object, ctx: { signal } };
  const source = await readSource(env, object, notes);
  const chart = await loadChart(run, source);
  const composed = await composeValues(run, chart.file);
  const { namespace = '' } = object.metadata;
  const release = releaseTarget(object);
  const storage = storageOf(env, object, { client, release, signal });
  const { last, current } = await findBase(storage);
  const problems: string[] = [];
  const render: RenderRun = {
    engine: { tenant: namespace, signal },
    ctx: {
      ...{ object, chart, signal, cluster: { client }, pool: env.pool, log: env.log },
      release: { name: release.name, namespace: release.namespace },
      values: { text: composed.values, digest: composed.digest },
      options: actionOptions(env),
      timeoutMs: timeoutMs(object, 'upgrade'),
      line: (text) => notes.push(text),
    },
  };
  await checkCrds(render, last, problems);
  const rendered = await renderRelease(
    render,
    rendering(render, last, current),
    await createCapabilities(client)(signal),
  );
  try {
    requireFit(rendered);
  } catch (error) {
    problems.push(messageOf(error));
  }
  const secrets = secretValues(object, composed, current?.content.values);
  const mask = createMask(secrets);
  const { changes, unchanged } = compareObjects(current?.content, rendered, mask);
  return {
    object: { namespace, name: object.metadata.name },
    release,
    ...(current === undefined ? {} : { from: versionOf(current.content) }),
    to: versionOf(rendered),
    state: stateOf(object, chart, composed.digest, last),
    values: namedValues(composed, mask, MASK),
    ...{ changes, unchanged, problems, notes: notes.map(mask.text) },
  };
}

/**
 * The cluster to release to, with the rights of the account, and the HelmRelease without the parts of its status that
 * are about another cluster.
 */
async function enter(
  env: PendingEnvironment,
  object: HelmRelease,
  { signal, notes }: { signal: AbortSignal; notes: string[] },
): Promise<{ client: KubeClient; object: HelmRelease }> {
  const place = await env.clusters.enter(object, signal).catch((cause: unknown) => {
    signal.throwIfAborted();
    if (cause instanceof ClusterError) throw new Failure(Reason.RESTClientError, cause.message);
    const message = `the cluster of spec.kubeConfig can't be used: ${messageOf(cause)}`;
    throw new Failure(Reason.RESTClientError, message, { cause });
  });
  const { client } = targetCluster(place.cluster, object, env.settings.defaultServiceAccount);
  if (!hasMoved(place, object.status?.clusterID)) return { client, object };
  notes.push('spec.kubeConfig leads to another cluster than before: the release begins anew there');
  return { client, object: { ...object, status: {} } };
}

const KINDS: Record<string, Kind> = { HelmChart, OCIRepository, ExternalArtifact };

/** The source with its present artifact, whether or not it is the one that the spec asks for. */
async function readSource(
  env: PendingEnvironment,
  object: HelmRelease,
  notes: string[],
): Promise<ChartSource> {
  const source = chartSourceOf(object);
  const kind = source && KINDS[source.kind];
  if (source === undefined || kind === undefined) throw new Error('a HelmRelease without a chart');
  const refused = refusedSource({ env, object }, source);
  if (refused !== undefined) throw new Failure(Reason.AccessDenied, refused, { stalled: true });
  const found = await env.client.get<SourceObject>(kind, source);
  const name = `${source.kind} '${objectKey(source)}'`;
  const artifact = found.status?.artifact;
  if (artifact === undefined) {
    throw new Failure(Reason.SourceNotReady, `${name} has no artifact: see its conditions`, {});
  }
  const made = chartObjectOf(object);
  const isOld =
    made !== undefined &&
    object.spec.chart !== undefined &&
    compareWanted(found, chartObjectBody(object, made, object.spec.chart)) === 'different';
  const { observedGeneration } = (found.status ?? {}) as { observedGeneration?: number };
  const isBehind = found.metadata.generation !== observedGeneration;
  if (isOld || isBehind) {
    notes.push(`${name} has not fetched what its spec asks for yet: the chart is the one before`);
  }
  return { ...source, artifact };
}

function storageOf(
  { pool }: PendingEnvironment,
  object: HelmRelease,
  { client, release, signal }: { client: KubeClient; release: ReleaseTarget; signal: AbortSignal },
): VersionStorage {
  const ociDigestOf = (version: number) =>
    object.status?.history?.find((snapshot) => snapshot.version === version)?.ociDigest;
  const { name, storageNamespace: namespace } = release;
  return openStorage(NOTHING_KNOWN, {
    ...{ cluster: { client }, pool, signal, fresh: true },
    target: { namespace, name, ociDigestOf },
    tenant: object.metadata.namespace ?? '',
    reader: undefined,
  });
}

/** The last version, and the deployed one, from which an upgrade starts. */
async function findBase(storage: VersionStorage) {
  const versions = await storage.versions();
  const [highest] = versions;
  const last = highest && (await storage.load(highest.version));
  const deployed = versions.find(({ status }) => status === 'deployed');
  const isLast = deployed === undefined || deployed.version === highest?.version;
  const current = isLast ? last : await storage.load(deployed.version);
  return { last, current };
}

/** The request to the engine that an install or an upgrade would send. */
function rendering({ ctx }: RenderRun, last: Revision | undefined, current: Revision | undefined) {
  const { object, options } = ctx;
  const now = new Date().toISOString();
  const action = last === undefined ? 'install' : 'upgrade';
  const spec = object.spec[action] ?? {};
  return {
    revision: (last?.content.version ?? 0) + 1,
    isInstall: last === undefined,
    serverSide:
      last === undefined
        ? installsServerSide(object, options)
        : updatesServerSide(object.spec.upgrade?.serverSideApply, last.content.applyMethod),
    info: {
      firstDeployed: current?.content.info.firstDeployed ?? now,
      lastDeployed: now,
      status: last === undefined ? 'pending-install' : 'pending-upgrade',
      description: 'Preparing',
    },
    skipSchemaValidation: spec.disableSchemaValidation ?? false,
    preserveValuesOf: object.spec.upgrade?.preserveValues ? current?.payload : undefined,
  } as const;
}

/** Adds the problems that the chart's CRDs would cause. */
async function checkCrds(
  run: RenderRun,
  last: Revision | undefined,
  problems: string[],
): Promise<void> {
  const { object, cluster } = run.ctx;
  const policy = crdPolicy(last === undefined ? object.spec.install : object.spec.upgrade);
  const definitions = (await chartCrds(run)).filter(isDefinition);
  if (policy === 'Skip' || definitions.length === 0) return;
  try {
    await requireCompatibleCrds(run, await placeObjects(cluster.client, definitions, ''));
  } catch (error) {
    problems.push(messageOf(error));
  }
}

function stateOf(
  object: HelmRelease,
  chart: LoadedChart,
  configDigest: string,
  last: Revision | undefined,
): PendingChange['state'] {
  const { status = {} } = object;
  const moved = changedTarget({ object, status: { fields: () => status } }, chart.metadata.name);
  if (moved !== undefined) {
    return {
      name: 'Moved',
      reason: `the ${moved} is another: the old release is uninstalled first`,
    };
  }
  const lastRelease = last && summaryOf(last);
  const releasedDigest = status.lastAttemptedConfigDigest;
  return releaseState(object, status, {
    ...{ last: lastRelease, chart: chart.metadata, configDigest, releasedDigest },
  });
}

function actionOptions({ settings }: PendingEnvironment) {
  return {
    helm3Defaults: settings.gates.UseHelm3Defaults,
    concurrency: settings.concurrentSsa,
    overrideManagers: settings.overrideManagers,
  };
}

function versionOf({ version, chart }: Pick<Revision['content'], 'version' | 'chart'>) {
  const { name, version: chartVersion, appVersion } = chart;
  return { version, chart: `${name} ${chartVersion}`, appVersion };
}
