// Finds charts and makes their packages. Equal work is done once, and namespaces take turns.
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { HelmChart } from '@weir/api';
import {
  ArtifactMissing,
  type ArtifactStore,
  type ArtifactSuffix,
  type Packed,
} from '@weir/artifact';
import { createFairLimit } from '@weir/async';
import type { Identities } from '@weir/identity';
import type { KubeClient } from '@weir/kube';
import type { RenderPool } from '@weir/render';
import type { Tracing } from '@weir/telemetry';
import { readAccess, readRegistryAccess } from '../shared/charts/access.ts';
import type { Charts } from '../shared/charts/open.ts';
import type { ContentLimits } from '../shared/limits.ts';
import { packedFile } from '../shared/packed-file.ts';
import { archiveFailure, putArchive, type Snapshot } from '../shared/snapshots.ts';
import type { Build } from './build.ts';
import { type ChartOptions, chartOfFiles, chartOfRemote, type WantedChart } from './chart.ts';
import { dependenciesWith } from './dependencies.ts';
import { httpRemote, type RemoteOptions, registryRemote, type VerifyChart } from './remote.ts';
import { type ChartOrigin, noArtifact } from './source.ts';

export interface StoredChart {
  snapshot: Snapshot & { suffix: ArtifactSuffix };
  valuesFiles: readonly string[];
}

export interface ChartMaker {
  /**
   * The chart that an object selects now.
   * @throws Failure
   */
  find(
    object: HelmChart,
    origin: ChartOrigin,
    verify: VerifyChart | undefined,
  ): Promise<WantedChart>;
  /**
   * Makes the chart's package and puts it into the store.
   * @throws Failure
   */
  store(object: HelmChart, chart: WantedChart): Promise<StoredChart>;
}

export interface MakerOptions {
  client: KubeClient;
  identities: Identities;
  store: ArtifactStore;
  charts: Charts;
  pool: RenderPool;
  limits: ContentLimits;
  tracing: Tracing;
  signal: AbortSignal;
}

/** Charts that are fetched and packed at a time. */
const BUILDS = 8;

export function createChartMaker(options: MakerOptions): ChartMaker {
  const { client, identities, store, charts, pool, limits, tracing, signal } = options;
  const builds = createFairLimit(BUILDS);
  const remoteOptions: RemoteOptions = { charts, pool, dir: charts.workDir, signal };
  const newFile = () => join(charts.workDir, `${randomUUID()}.part`);
  const chartOptions: ChartOptions = { pool, store, newFile, signal };

  async function find(
    object: HelmChart,
    origin: ChartOrigin,
    verify: VerifyChart | undefined,
  ): Promise<WantedChart> {
    const { namespace = '' } = object.metadata;
    if (origin.from === 'files') {
      const fetchDependencies = dependenciesWith({ client, identities }, namespace, remoteOptions);
      return chartOfFiles(object, origin.artifact, fetchDependencies, chartOptions);
    }
    const { repository } = origin;
    if (origin.from === 'registry') {
      const access = await readRegistryAccess({ client, identities }, repository, signal);
      return chartOfRemote(object, registryRemote(access, remoteOptions, verify), chartOptions);
    }
    const access = await readAccess(client, repository, signal);
    const lookup = () =>
      charts.indexes.lookup(origin.artifact.digest, namespace).catch((cause: unknown) => {
        if (!(cause instanceof ArtifactMissing)) throw cause;
        throw noArtifact(object.spec.sourceRef.kind, object.spec.sourceRef.name);
      });
    return chartOfRemote(object, httpRemote(access, lookup, remoteOptions), chartOptions);
  }

  return {
    find,
    async store({ metadata }, chart) {
      const { namespace: tenant = '' } = metadata;
      const built = await builds.run(
        tenant,
        () =>
          tracing.span('build chart', { attributes: { 'chart.name': chart.name } }, chart.build),
        signal,
      );
      const packed = await packedOf(built, limits);
      const snapshot = await putArchive(packed, { tenant, store, tracing });
      return { snapshot: { ...snapshot, suffix: '.tgz' }, valuesFiles: built.valuesFiles };
    },
  };
}

/**
 * The package as an artifact. One that can't be read as an archive becomes an artifact without a file index, like any
 * chart that Helm can read.
 */
async function packedOf({ file }: Build, limits: ContentLimits): Promise<Packed> {
  try {
    return await packedFile(file, limits);
  } catch (cause) {
    await rm(file, { force: true });
    throw archiveFailure(cause);
  }
}
