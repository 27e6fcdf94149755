// Asks the registry which revision of the repository an OCIRepository selects.
import { type OCIRepositorySpec, Reason } from '@weir/api';
import { algorithmOf, OciError, type Registry } from '@weir/oci';
import { Failure, messageOf } from '@weir/reconcile';
import type { RenderPool } from '@weir/render';
import { highestTag } from '../shared/highest-tag.ts';
import { fetchFailure } from '../shared/snapshots.ts';
import type { Remote } from './credentials.ts';

export interface Resolved {
  /** `tag@sha256:<hex>`, or the digest alone where the object names one. */
  revision: string;
  digest: string;
}

export interface ResolveOptions {
  remote: Remote;
  ref: OCIRepositorySpec['ref'];
  /** Media type of the selected layer: tags of charts have `_` for `+`. */
  mediaType: string | undefined;
  registry: Registry;
  pool: RenderPool;
  tenant: string;
  /** Ends the conversation. */
  signal: AbortSignal;
}

const DEFAULT_TAG = 'latest';

/**
 * Asks the registry for the revision, in Flux's order: digest, range of versions, tag, `latest`.
 * @throws Failure ReadOperationFailed, OCIArtifactPullFailed
 */
export async function resolve(options: ResolveOptions): Promise<Resolved> {
  const { ref = {}, remote, registry, signal } = options;
  const { name } = remote.repository;
  if (ref.digest) return byDigest(ref.digest);
  const tag = ref.semver ? await byRange(ref.semver, options) : ref.tag || DEFAULT_TAG;
  try {
    const digest = await registry.resolve(name, tag, signal);
    return { revision: `${tag}@${digest}`, digest };
  } catch (cause) {
    throw ociFailure(Reason.OCIArtifactPullFailed, 'failed to determine artifact digest', cause);
  }
}

function byDigest(digest: string): Resolved {
  try {
    algorithmOf(digest);
    return { revision: digest, digest };
  } catch (cause) {
    throw ociFailure(Reason.OCIArtifactPullFailed, 'failed to determine artifact digest', cause);
  }
}

async function byRange(range: string, options: ResolveOptions): Promise<string> {
  const { ref, remote, mediaType, registry, pool, tenant, signal } = options;
  try {
    const pages = registry.tags(remote.repository.name, signal);
    const filter = ref?.semverFilter;
    return await highestTag(pages, { range, filter, mediaType, pool, tenant, signal });
  } catch (cause) {
    const what = `failed to determine the artifact tag for '${remote.url}'`;
    throw ociFailure(Reason.ReadOperationFailed, what, cause);
  }
}

/**
 * A failure whose message begins with what was being done. If the registry says when to come again, the next run waits
 * for that. An aborted request stays as it is, because nobody waits for it any more.
 */
export function ociFailure(reason: string, what: string, cause: unknown): unknown {
  if (cause instanceof OciError && cause.reason === 'Aborted') return cause;
  const failure = fetchFailure(reason, `${what}: ${messageOf(cause)}`, cause);
  if (!(cause instanceof OciError) || cause.retryAfterMs === undefined) return failure;
  const { condition, message } = failure;
  const retryMs = Math.max(cause.retryAfterMs, 1_000);
  return new Failure(reason, message, { ...(condition ? { condition } : {}), retryMs, cause });
}
