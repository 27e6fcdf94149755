// A version that is made from another one and not rendered: that of a rollback, or an install under a later number.
import type { HelmReleaseInfo } from '@weir/render';
import type { Run } from '../actions/run.ts';
import type { Revision } from './types.ts';

export interface Derivation {
  version: number;
  info?: Partial<HelmReleaseInfo>;
  applyMethod?: 'ssa' | 'csa';
}

/** The new version, which is not in storage yet. */
export async function derived(
  { ctx, engine }: Run,
  from: Revision,
  { version, info, applyMethod }: Derivation,
): Promise<Revision> {
  const { payload, ociDigest, content } = from;
  const request = { payload, version, info, applyMethod, ociDigest };
  const encoded = await ctx.pool.helmUpdate(request, engine);
  return {
    ...from,
    payload: encoded.payload,
    digest: encoded.digest,
    resourceVersion: '',
    content: {
      ...content,
      version,
      info: { ...content.info, ...info },
      applyMethod: applyMethod ?? content.applyMethod,
    },
  };
}
