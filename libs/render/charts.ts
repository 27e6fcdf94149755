// The engine's operations on Helm charts.
import type { RequestOptions } from './job.ts';
import type {
  ChartIndexRequest,
  ChartMetadata,
  ChartPacking,
  ChartPackResult,
  ChartSource,
  ChartSourceResult,
  ChartVersionRequest,
  ChartVersionResult,
  FetchedDependency,
} from './requests.ts';
import type { Send } from './send.ts';

/**
 * Operations on charts and chart repositories, which follow Helm's own library. Every call rejects with a RenderError,
 * whose reason is the one that a HelmChart or HelmRepository shows (`InvalidChartReference`, `ChartPackageError`,
 * `IndexationFailed` ...).
 */
export interface ChartOperations {
  /**
   * Reads an index. Unknown fields and duplicate keys are refused in YAML; entries that are not charts are left out. An
   * index with the usual layout is read piece by piece, and takes little memory whatever its size.
   */
  chartIndex(
    request: ChartIndexRequest,
    options: RequestOptions,
  ): Promise<{ charts: number; versions: number }>;
  /**
   * Chooses a version of a chart by the rules of Masterminds' semver library; `InvalidChartReference` when no version
   * matches.
   */
  chartVersion(request: ChartVersionRequest, options: RequestOptions): Promise<ChartVersionResult>;
  /** The metadata of a packed chart; `ChartPullError` when the file is not a chart. */
  chartMetadata(file: string, options: RequestOptions): Promise<ChartMetadata>;
  /** Packs a packed chart again, with values files of its own merged. The same input gives the same bytes. */
  chartRepack(
    request: { file: string } & ChartPacking,
    options: RequestOptions,
  ): Promise<ChartPackResult>;
  /** The metadata of the chart in an artifact, and the version that its package will have. */
  chartSource(request: ChartSource, options: RequestOptions): Promise<ChartSourceResult>;
  /** Packs a chart of an artifact, unless dependencies are missing. The same input gives the same bytes. */
  chartPack(
    request: ChartSource & ChartPacking & { dependencies: readonly FetchedDependency[] },
    options: RequestOptions,
  ): Promise<ChartPackResult>;
}

/** The operations that take about as long as a build, and as much memory. */
export const LARGE_CHART_OPERATIONS: readonly string[] = [
  'chart.index',
  'chart.repack',
  'chart.source',
  'chart.pack',
];

/** The typed operations over the engine's protocol. */
export function chartOperations(send: Send): ChartOperations {
  const ask = async <T>(op: string, body: object, options: RequestOptions): Promise<T> =>
    (await send(op, JSON.stringify(body), options)) as T;
  const inArtifact = <T extends ChartSource>({ artifact, ...rest }: T) => ({
    ...artifact,
    ...rest,
  });
  return {
    chartIndex: (request, options) => ask('chart.index', request, options),
    chartVersion: (request, options) => ask('chart.version', request, options),
    chartMetadata: (file, options) => ask('chart.inspect', { file }, options),
    chartRepack: (request, options) => ask('chart.repack', request, options),
    chartSource: (request, options) => ask('chart.source', inArtifact(request), options),
    chartPack: (request, options) => ask('chart.pack', inArtifact(request), options),
  };
}
