// The step that finds the source of a HelmRelease's chart: the one that it names, or the one that was made for it.
import {
  type Artifact,
  findCondition,
  type HelmRelease,
  READY,
  Reason,
  resolveReference,
  STALLED,
} from '@weir/api';
import { isNoMatch, objectKey } from '@weir/kube';
import { Failure, messageOf } from '@weir/reconcile';
import type { SourceObject, SourceReference } from '@weir/sources';
import type { BaseRun } from '../run.ts';
import { chartObjectOf } from './template.ts';

export interface ChartSource extends SourceReference {
  artifact: Artifact;
}

/** The source from which a HelmRelease takes its chart; undefined if it names none. */
export function chartSourceOf(object: HelmRelease): SourceReference | undefined {
  const { chartRef } = object.spec;
  if (chartRef === undefined) return chartObjectOf(object);
  return { kind: chartRef.kind, ...resolveReference(chartRef, object) };
}

/**
 * Fails with AccessDenied, until the spec changes, for a source that must not be referred to; with ArtifactFailed for
 * one that doesn't exist; with SourceNotReady for one that isn't ready. When that becomes ready, the HelmRelease runs.
 */
export async function requireSource(run: BaseRun): Promise<ChartSource> {
  const { env, object } = run;
  const source = chartSourceOf(object);
  if (source === undefined) throw new Error('a HelmRelease without a chart');
  const refused = refusedSource(run, source);
  if (refused !== undefined) throw new Failure(Reason.AccessDenied, refused, { stalled: true });
  const found = await find(run, source);
  const why = unready(source, found.object);
  if (why === undefined && found.artifact !== undefined) {
    return { ...source, artifact: found.artifact };
  }
  const { kind } = source;
  const message = `${kind} '${objectKey(source)}' is not ready: ${why ?? 'does not have an artifact'}`;
  const { requeueDependencyMs: retryMs } = env.settings;
  throw new Failure(Reason.SourceNotReady, message, { retryMs, brief: true, event: 'none' });
}

/** Why the source must not be referred to, with Flux's message. */
export function refusedSource(
  { env, object }: { env: Pick<BaseRun['env'], 'settings'>; object: HelmRelease },
  { kind, namespace, name }: SourceReference,
): string | undefined {
  const { noCrossNamespaceRefs, gates } = env.settings;
  if (noCrossNamespaceRefs && namespace !== object.metadata.namespace) {
    return `cross-namespace references are not allowed: cannot access ${kind} ${namespace}/${name}`;
  }
  if (kind === 'ExternalArtifact' && !gates.ExternalArtifact) {
    return `can't access '${kind}/${namespace}/${name}', ExternalArtifact feature gate is disabled`;
  }
  return undefined;
}

async function find({ env }: BaseRun, source: SourceReference) {
  const missing = (why: string, options: { cause?: unknown }) =>
    new Failure(Reason.ArtifactFailed, `could not get Source object: ${why}`, {
      ...{ backoff: true, brief: true, event: 'none' },
      ...options,
    });
  try {
    const found = await env.sources.find(source);
    if (found !== undefined) return found;
  } catch (cause) {
    if (!isNoMatch(cause) && !isNotListed(cause)) throw cause;
    throw missing(messageOf(cause), { cause });
  }
  throw missing(`${source.kind}.source.toolkit.fluxcd.io "${source.name}" not found`, {});
}

/** Whether the API server serves no such kind. */
function isNotListed(error: unknown): boolean {
  return error instanceof Error && 'reason' in error && error.reason === 'SourcesNotListed';
}

/** Flux's messages. An ExternalArtifact counts as ready when it has an artifact. */
function unready({ kind }: SourceReference, object: SourceObject): string | undefined {
  if (kind === 'ExternalArtifact') return undefined;
  const status = object.status as
    | { observedGeneration?: number; conditions?: Parameters<typeof findCondition>[0] }
    | undefined;
  const conditions = status?.conditions;
  if (object.metadata.generation !== status?.observedGeneration) {
    const ready = findCondition(conditions, READY);
    return ready?.status === 'False'
      ? ready.message
      : 'latest generation of object has not been reconciled';
  }
  const stalled = findCondition(conditions, STALLED);
  return stalled?.status === 'True' ? stalled.message : undefined;
}
