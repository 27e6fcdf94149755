// A version that is made from another one and not rendered: that of a rollback, or an install under a later number.
import type { HelmReleaseInfo } from '@weir/render';
import type { ActionRun } from '../actions/action-run.ts';
import type { Revision } from './types.ts';

export interface Derivation {
  version: number;
  info?: Partial<HelmReleaseInfo>;
  applyMethod?: 'ssa' | 'csa';
  /** Goes into the digest of the new version. Flux gives none to a rollback. */
  ociDigest: string | undefined;
}

/** The new version, which is not in storage yet. */
export async function derived(
  { ctx, engine }: ActionRun,
  from: Revision,
  { version, info, applyMethod, ociDigest }: Derivation,
): Promise<Revision> {
  const { payload, content } = from;
  // When the other version was created says nothing of this one.
  const { createdAt: _createdAt, ...labels } = from.labels;
  const request = { payload, version, info, applyMethod, ociDigest };
  const encoded = await ctx.pool.helmUpdate(request, engine);
  return {
    payload: encoded.payload,
    digest: encoded.digest,
    ociDigest,
    labels,
    resourceVersion: '',
    content: {
      ...content,
      version,
      info: { ...content.info, ...info },
      applyMethod: applyMethod ?? content.applyMethod,
    },
  };
}
