// The step that fetches the chart and reads its metadata.
import { formatDuration, type HelmRelease, Reason } from '@weir/api';
import { type ArtifactCache, ArtifactError, ArtifactMissing, fetchArtifact } from '@weir/artifact';
import { Failure, fetchOptions } from '@weir/reconcile';
import { RenderError } from '@weir/render';
import type { LoadedChart } from '../actions/types.ts';
import type { Environment } from '../environment.ts';
import { timeoutMs } from '../release/names.ts';
import type { ChartSource } from './source.ts';

export interface LoadContext {
  env: Pick<Environment, 'pool' | 'settings' | 'tracing'> & { store: ArtifactCache };
  object: HelmRelease;
  ctx: { signal: AbortSignal };
}

/**
 * Fails with ArtifactFailed: a chart that is (still) missing is looked for again after a while, and what is no chart is
 * tried again with backoff. Fails with ChartMutateError for a chart whose version isn't the one of its tag.
 */
export async function loadChart(run: LoadContext, source: ChartSource): Promise<LoadedChart> {
  const { env, object, ctx } = run;
  const { artifact } = source;
  const file = await fetchFile(run, source);
  const tenant = object.metadata.namespace ?? '';
  const chart = {
    file,
    digest: artifact.digest,
    sourceRevision: sourceRevision(source),
  };
  try {
    const metadata = await env.pool.helmChart(chart, { tenant, signal: ctx.signal });
    const { ociDigest } = metadata;
    if (!env.settings.gates.DisableChartDigestTracking) {
      return { file: chart, metadata, ociDigest };
    }
    // The version of the chart is not changed; the digest is recorded all the same.
    const plain = { file, digest: artifact.digest };
    const { version } = await env.pool.helmChart(plain, { tenant, signal: ctx.signal });
    return { file: plain, metadata: { ...metadata, version }, ociDigest };
  } catch (cause) {
    if (!(cause instanceof RenderError) || ctx.signal.aborted) throw cause;
    if (
      /does not match chart version|^invalid (chart version|artifact revision)/.test(cause.message)
    ) {
      const options = { cause, backoff: true, event: 'none' } as const;
      throw new Failure(Reason.ChartMutateError, cause.message, options);
    }
    const { message } = cause;
    throw new Failure(Reason.ArtifactFailed, `Could not load chart: ${message}`, {
      ...{ cause, backoff: true },
      event: { severity: 'error', message },
    });
  }
}

/** For a source whose revision is a digest: the digest becomes part of the chart's version. */
function sourceRevision({ kind, artifact: { revision } }: ChartSource): string | undefined {
  const hasDigest = kind === 'ExternalArtifact' && revision.includes(':');
  return kind === 'OCIRepository' || hasDigest ? revision : undefined;
}

async function fetchFile(
  { env, object, ctx }: LoadContext,
  { artifact }: ChartSource,
): Promise<string> {
  try {
    const { file } = await env.tracing.span('helm.fetch', {}, () =>
      fetchArtifact(
        env.store,
        artifact,
        fetchOptions(env.settings, { signal: ctx.signal, timeoutMs: timeoutMs(object) }),
      ),
    );
    return file;
  } catch (cause) {
    if (!(cause instanceof ArtifactError)) throw cause;
    if (cause instanceof ArtifactMissing) {
      const { requeueDependencyMs: retryMs } = env.settings;
      const message = `Source not ready: artifact not found. Retrying in ${formatDuration(retryMs)}`;
      throw new Failure(Reason.ArtifactFailed, message, { cause, retryMs, event: 'none' });
    }
    const { message } = cause;
    throw new Failure(Reason.ArtifactFailed, `Could not load chart: ${message}`, {
      ...{ cause, backoff: true },
      event: { severity: 'error', message },
    });
  }
}
