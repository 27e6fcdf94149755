// What install and upgrade do before anything is stored: CRDs are applied, the chart is rendered, and its size is checked.
import { groupVersion, type KubeObject } from '@weir/kube';
import type {
  HelmReleaseInfo,
  HelmRenderRequest,
  HelmRenderResult,
  HelmStored,
} from '@weir/render';
import { requireSize } from '../release/size.ts';
import type { Revision } from '../release/types.ts';
import type { Capabilities } from './capabilities.ts';
import { applyCrds, chartCrds } from './crds.ts';
import { lookups } from './lookup.ts';
import type { Run } from './run.ts';
import { type CrdPolicy, postRender, type WaitSettings } from './settings.ts';
import type { ReleaseContext } from './types.ts';

export interface Preparation {
  revision: number;
  isInstall: boolean;
  serverSide: boolean;
  crds: CrdPolicy;
  wait: WaitSettings;
  info: HelmReleaseInfo;
  /** Labels that the new version inherits. */
  labels: Record<string, string>;
  skipSchemaValidation: boolean;
  /** The payload of the version whose values stay under the new ones. */
  preserveValuesOf?: string | undefined;
  capabilities(signal: AbortSignal): Promise<Capabilities>;
}

export interface Prepared {
  revision: Revision;
  crds: KubeObject[];
}

/**
 * The version that is to be stored, pending. A chart with CRDs is rendered once before them, so that a release that is
 * too large applies nothing, and once more if they bring kinds that the templates did not know of. Rejects in Helm's words.
 */
export async function prepareRelease(
  run: Run<ReleaseContext>,
  preparation: Preparation,
): Promise<Prepared> {
  const { crds: policy, serverSide, wait, capabilities } = preparation;
  const { signal } = run.ctx;
  const crds = await chartCrds(run);
  const before = await capabilities(signal);
  const first = await settled(render(run, preparation, before));
  if ('rendered' in first) requireFit(first.rendered);
  const kinds = await applyCrds(run, crds, { policy, serverSide, wait });
  const known = new Set(before.apiVersions);
  const isCurrent = kinds.every((kind) => known.has(`${groupVersion(kind)}/${kind.kind}`));
  const last = isCurrent
    ? first
    : await settled(render(run, preparation, await capabilities(signal)));
  if ('error' in last) throw last.error;
  const { rendered } = last;
  return { crds, revision: revisionOf(run, rendered, requireFit(rendered), preparation) };
}

function settled(
  rendering: Promise<HelmRenderResult>,
): Promise<{ rendered: HelmRenderResult } | { error: unknown }> {
  return rendering.then(
    (rendered) => ({ rendered }),
    (error: unknown) => ({ error }),
  );
}

async function render(
  { ctx, engine }: Run<ReleaseContext>,
  preparation: Preparation,
  capabilities: Capabilities,
): Promise<HelmRenderResult> {
  const { revision, isInstall, serverSide, skipSchemaValidation, preserveValuesOf } = preparation;
  const request: HelmRenderRequest = {
    chart: ctx.chart.file,
    values: ctx.values.text,
    release: { ...ctx.release, revision, isInstall },
    capabilities,
    options: { skipSchemaValidation, applyMethod: serverSide ? 'ssa' : 'csa' },
    preserveValuesOf,
    postRender: postRender(ctx.object, ctx.options),
    info: preparation.info,
  };
  const rendered = await ctx.pool.helmRender(request, {
    ...engine,
    ...lookups(ctx.cluster.client),
  });
  for (const warning of rendered.warnings) ctx.line(warning);
  return rendered;
}

function requireFit({ stored, hooks }: HelmRenderResult): HelmStored {
  if (stored === undefined)
    throw new TypeError('the engine has rendered a release and not encoded it');
  requireSize(stored, hooks.length);
  return stored;
}

function revisionOf(
  { ctx }: Run<ReleaseContext>,
  rendered: HelmRenderResult,
  { payload, digest }: HelmStored,
  { labels }: Preparation,
): Revision {
  return {
    content: rendered,
    payload,
    digest,
    ociDigest: ctx.chart.ociDigest,
    labels,
    resourceVersion: '',
  };
}
