// Makes a version from another one, without rendering: for a rollback, or an install under a later number.
import type { HelmReleaseInfo } from '@weir/render';
import type { ActionRun } from '../actions/action-run.ts';
import type { Revision } from './types.ts';

export interface Derivation {
  version: number;
  info?: Partial<HelmReleaseInfo>;
  applyMethod?: 'ssa' | 'csa';
  /** Part of the digest of the new version. Flux uses none for a rollback. */
  ociDigest: string | undefined;
}

/** The new version, which is not in storage yet. */
export async function derived(
  { ctx, engine }: ActionRun,
  from: Revision,
  { version, info, applyMethod, ociDigest }: Derivation,
): Promise<Revision> {
  const { payload, content } = from;
  // The time of creation is that of the other version.
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
