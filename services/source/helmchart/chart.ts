// Finds the chart that a HelmChart wants, wherever it comes from: first which one it is, then, if it is new, the chart
// itself.
import { type Artifact, type HelmChart, parseRevision, Reason } from '@weir/api';
import { ArtifactMissing, type ArtifactStore } from '@weir/artifact';
import type { RenderPool } from '@weir/render';
import type { Downloaded } from '../shared/download.ts';
import {
  type Build,
  buildFailure,
  engineFailure,
  pullFailure,
  type Target,
  valuesFilesOf,
} from './build.ts';
import type { FetchDependencies } from './dependencies.ts';
import { type Choice, discardFiles, type Remote } from './remote.ts';
import { noArtifact } from './source.ts';

/** A chart that was found, and how to make its package. */
export interface WantedChart extends Target {
  isPackaged: boolean;
  /**
   * Resolves with whether its signature was verified; false where none is required.
   * @throws Error that says what is wrong with the signature
   */
  verify(): Promise<boolean>;
  /** @throws Failure */
  build(): Promise<Build>;
}

export interface ChartOptions {
  pool: RenderPool;
  store: ArtifactStore;
  /** Path of a new file for a package. */
  newFile(): string;
  signal: AbortSignal;
}

/** Time for packing a chart, in ms. */
const PACK_MS = 60_000;

// Flux's pattern, written so that its time grows only with the length of the text.
const NAME = /^[-a-z0-9]+(?:(?:\/\.?|\.)[-a-z0-9]+)*(?:\/\.?|\.)?$/;
const MAX_NAME = 300;

/**
 * The chart of a repository or registry.
 * @throws Failure
 */
export async function chartOfRemote(
  { spec, metadata }: HelmChart,
  remote: Remote,
  { pool, newFile, signal }: ChartOptions,
): Promise<WantedChart> {
  const { chart: name, version: range = '', ignoreMissingValuesFiles = false } = spec;
  const { namespace: tenant = '', generation = 0 } = metadata;
  const valuesFiles = valuesFilesOf(spec.valuesFiles);
  const isPackaged = valuesFiles.length > 0;
  const suffix = isPackaged ? `${generation}` : '';
  if (name.length > MAX_NAME || !NAME.test(name)) {
    const rule =
      'a valid name must be lower case letters and numbers and MAY be separated with dashes (-), slashes (/) or periods (.)';
    const message = `invalid chart name '${name.slice(0, MAX_NAME)}': ${rule}`;
    throw buildFailure(Reason.InvalidChartReference, message);
  }
  const choice = await chooseFrom(remote, name, range, suffix);

  async function build(): Promise<Build> {
    const downloaded = await fetchFrom(remote, name, choice);
    const { file } = downloaded;
    const own = { name, version: choice.target, isPackaged, resolved: 0 };
    try {
      if (!isPackaged) {
        await pool.chartMetadata(file, { tenant, signal });
        return { ...own, ...downloaded, valuesFiles: [] };
      }
      const out = newFile();
      const packing = { version: choice.target, valuesFiles, ignoreMissingValuesFiles, out };
      const options = { tenant, signal, timeoutMs: PACK_MS };
      const packed = await pool.chartRepack({ file, ...packing }, options);
      await discardFiles([file]);
      return { ...own, file: out, valuesFiles: packed.valuesFiles ?? [] };
    } catch (cause) {
      await discardFiles([file]);
      throw engineFailure(cause, Reason.ChartPackageError);
    }
  }

  return {
    name,
    version: choice.target,
    isPackaged,
    build,
    verify: async () => (await remote.verify?.(name, choice)) ?? false,
  };
}

async function chooseFrom(
  remote: Remote,
  name: string,
  range: string,
  suffix: string,
): Promise<Choice> {
  const what = 'failed to get chart version for remote reference';
  try {
    return await remote.choose(name, range, suffix);
  } catch (cause) {
    const own = engineFailure(cause, Reason.ChartPullError, `${what}: `);
    throw own === cause ? pullFailure(cause, what) : own;
  }
}

async function fetchFrom(remote: Remote, name: string, choice: Choice): Promise<Downloaded> {
  try {
    return await remote.fetch(name, choice);
  } catch (cause) {
    throw pullFailure(cause, 'failed to download chart for remote reference');
  }
}

/**
 * The chart in the artifact of a GitRepository or Bucket.
 * @throws Failure
 */
export async function chartOfFiles(
  { spec, metadata }: HelmChart,
  source: Artifact,
  fetchDependencies: FetchDependencies,
  { pool, store, newFile, signal }: ChartOptions,
): Promise<WantedChart> {
  const { namespace: tenant = '' } = metadata;
  const { chart: path, ignoreMissingValuesFiles = false } = spec;
  const valuesFiles = valuesFilesOf(spec.valuesFiles);
  const options = { tenant, signal, timeoutMs: PACK_MS };
  const file = await store.file(source.digest).catch((cause: unknown) => {
    if (!(cause instanceof ArtifactMissing)) throw cause;
    throw noArtifact(spec.sourceRef.kind, spec.sourceRef.name);
  });
  const suffix = suffixOf({ spec, metadata }, source, valuesFiles);
  const chart = { artifact: { digest: source.digest, file }, path, metadata: suffix };
  const { name, version, isFolder } = await pool
    .chartSource(chart, options)
    .catch((cause: unknown) => {
      throw engineFailure(cause, Reason.ChartPullError);
    });
  const isPackaged = isFolder || suffix !== '' || valuesFiles.length > 0;

  async function build(): Promise<Build> {
    const out = newFile();
    const packing = { version, valuesFiles, ignoreMissingValuesFiles, out };
    const pack = (dependencies: Awaited<ReturnType<FetchDependencies>>) =>
      pool.chartPack({ ...chart, ...packing, dependencies }, options).catch((cause: unknown) => {
        throw engineFailure(cause, Reason.ChartPackageError);
      });
    let packed = await pack([]);
    if (packed.missing !== null && packed.missing.length > 0) {
      const dependencies = await fetchDependencies(packed.missing);
      try {
        packed = await pack(dependencies);
      } finally {
        await discardFiles(dependencies.map((it) => it.file));
      }
    }
    const { resolved } = packed;
    return {
      name,
      version,
      file: out,
      valuesFiles: packed.valuesFiles ?? [],
      isPackaged,
      resolved,
    };
  }

  return { name, version, isPackaged, build, verify: async () => false };
}

/** Characters of a revision that are enough to distinguish it: labels of installed objects have little more room. */
const REVISION_LENGTH = 12;

function suffixOf(
  { spec, metadata }: Pick<HelmChart, 'spec' | 'metadata'>,
  { revision }: Artifact,
  valuesFiles: readonly string[],
): string {
  const isRevision = spec.reconcileStrategy === 'Revision';
  const hash = parseRevision(revision)?.hash ?? revision.replace(/^.*:/, '');
  return [
    ...(isRevision ? [hash.slice(0, REVISION_LENGTH)] : []),
    ...(valuesFiles.length > 0 ? [`${metadata.generation ?? 0}`] : []),
  ].join('.');
}
