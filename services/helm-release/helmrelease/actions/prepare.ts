// What install and upgrade do before anything is stored: CRDs are applied, the chart is rendered, and its size is checked.
import { groupVersion, type KubeObject } from '@weir/kube';
import type { HelmRenderResult, HelmStored } from '@weir/render';
import { requireSize } from '../release/size.ts';
import type { Revision } from '../release/types.ts';
import type { ActionRun } from './action-run.ts';
import type { Capabilities } from './capabilities.ts';
import { applyCrds, chartCrds } from './crds.ts';
import { type Rendering, renderRelease } from './render.ts';
import type { CrdPolicy, WaitSettings } from './settings.ts';
import type { ReleaseContext } from './types.ts';

export interface Preparation extends Rendering {
  crds: CrdPolicy;
  wait: WaitSettings;
  /** Labels that the new version inherits. */
  labels: Record<string, string>;
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
  run: ActionRun<ReleaseContext>,
  preparation: Preparation,
): Promise<Prepared> {
  const { crds: policy, serverSide, wait, capabilities } = preparation;
  const { signal } = run.ctx;
  const crds = await chartCrds(run);
  const before = await capabilities(signal);
  const first = await settled(renderRelease(run, preparation, before));
  if ('rendered' in first) requireFit(first.rendered);
  const kinds = await applyCrds(run, crds, { policy, serverSide, wait });
  const known = new Set(before.apiVersions);
  const isCurrent = kinds.every((kind) => known.has(`${groupVersion(kind)}/${kind.kind}`));
  const last = isCurrent
    ? first
    : await settled(renderRelease(run, preparation, await capabilities(signal)));
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

/** Rejects a release that its Secret could not hold. */
export function requireFit({ stored, hooks }: HelmRenderResult): HelmStored {
  if (stored === undefined)
    throw new TypeError('the engine has rendered a release and not encoded it');
  requireSize(stored, hooks.length);
  return stored;
}

function revisionOf(
  { ctx }: ActionRun<ReleaseContext>,
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
