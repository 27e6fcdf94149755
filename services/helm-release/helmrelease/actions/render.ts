// The render of a release by the engine, as install and upgrade ask for it.
import type { TargetCluster } from '@weir/apply';
import type { HelmReleaseInfo, HelmRenderRequest, HelmRenderResult } from '@weir/render';
import type { ActionRun } from './action-run.ts';
import type { Capabilities } from './capabilities.ts';
import { lookups } from './lookup.ts';
import { postRender } from './settings.ts';
import type { ActionContext, ReleaseContext } from './types.ts';

/** The longest that one render may take, in ms, whatever the timeout of the action is. */
const MAX_RENDER_MS = 60_000;

/** What differs from one render of a chart with its values to another. */
export interface Rendering {
  revision: number;
  isInstall: boolean;
  serverSide: boolean;
  info: HelmReleaseInfo;
  skipSchemaValidation: boolean;
  /** The payload of the version whose values stay under the new ones. */
  preserveValuesOf?: string | undefined;
}

/** What is needed to look and to render: nothing in it writes to the cluster. */
export interface ReadingRun extends Pick<ActionRun, 'engine'> {
  ctx: Pick<
    ActionContext,
    'object' | 'release' | 'pool' | 'options' | 'line' | 'log' | 'signal'
  > & {
    cluster: Pick<TargetCluster, 'client'>;
  };
}

export interface RenderRun extends ReadingRun {
  ctx: ReadingRun['ctx'] & Pick<ReleaseContext, 'chart' | 'values' | 'timeoutMs'>;
}

/** It ends after the timeout of the action. Look-ups of templates are made with the rights of the account. Rejects in Helm's words. */
export async function renderRelease(
  { ctx, engine }: RenderRun,
  rendering: Rendering,
  capabilities: Capabilities,
): Promise<HelmRenderResult> {
  const { revision, isInstall, serverSide, skipSchemaValidation, preserveValuesOf, info } =
    rendering;
  const request: HelmRenderRequest = {
    chart: ctx.chart.file,
    values: ctx.values.text,
    release: { ...ctx.release, revision, isInstall },
    capabilities,
    options: { skipSchemaValidation, applyMethod: serverSide ? 'ssa' : 'csa' },
    preserveValuesOf,
    postRender: postRender(ctx.object, ctx.options),
    info,
  };
  const rendered = await ctx.pool.helmRender(request, {
    ...engine,
    timeoutMs: Math.min(ctx.timeoutMs, MAX_RENDER_MS),
    ...lookups(ctx.cluster.client),
  });
  for (const warning of rendered.warnings) ctx.line(warning);
  return rendered;
}
