// The options of every conversation with a Git server, and the failures of such conversations.
import { type GitRepository, type GitRepositorySpec, Reason } from '@weir/api';
import type { ArtifactStore } from '@weir/artifact';
import {
  GitError,
  type GitLimits,
  type GitSlots,
  type GitUser,
  type NetworkPolicy,
  type RepositoryCache,
  type TreeLimits,
} from '@weir/git';
import { RenderError, type RenderPool } from '@weir/render';
import type { Remote } from '@weir/sources/git';
import type { Tracing } from '@weir/telemetry';
import { fetchFailure } from '../shared/snapshots.ts';

/** What to fetch from a remote. */
export interface Wanted {
  /** The namespace of the object that asks. Shared work counts for the namespace that asked first. */
  tenant: string;
  remote: Remote;
  ref: GitRepositorySpec['ref'];
  /** Milliseconds for one Git operation. */
  timeoutMs: number;
}

export interface FetcherOptions {
  repositories: RepositoryCache;
  artifacts: ArtifactStore;
  pool: RenderPool;
  limits: TreeLimits;
  slots: GitSlots;
  /** What a git process may take. */
  gitLimits: GitLimits;
  /** Which addresses Git servers may have. */
  network: NetworkPolicy;
  /** Folder for archives that are being made. */
  artifactDir: string;
  /** Bytes of an archive, at most. */
  maxPackedBytes: number;
  tracing: Tracing;
  /** Ends all Git processes. */
  signal: AbortSignal;
}

export function userOf({ tenant, remote }: Wanted): GitUser {
  return { namespace: tenant, host: new URL(remote.url).host };
}

/** The options for a conversation with the wanted remote. */
export function conversation(
  wanted: Wanted,
  { signal, network, gitLimits, slots }: FetcherOptions,
) {
  const { remote, timeoutMs } = wanted;
  const user = userOf(wanted);
  return {
    url: remote.url,
    auth: remote.auth,
    proxy: remote.proxy,
    ...{ timeoutMs, signal },
    network,
    limits: gitLimits,
    slot: <T>(work: () => Promise<T>) => slots.transfer(user, work),
  };
}

/** An error of Git as a Failure for the object's status. */
export function failureOf(cause: unknown): unknown {
  if (cause instanceof GitError && cause.reason === 'Aborted') return cause;
  if (!(cause instanceof GitError) && !(cause instanceof RenderError)) return cause;
  const empty = cause.message.startsWith('git repository is empty');
  return fetchFailure(
    empty ? Reason.EmptyGitRepository : Reason.GitOperationFailed,
    empty ? cause.message : `failed to checkout and determine revision: ${cause.message}`,
    cause,
  );
}

/**
 * What failed while the remote was asked which commit the reference is. The words are Flux's, which lists the references
 * only for a name, and for a branch or tag of which it has an artifact; for all else it clones at once, and says so.
 */
export function resolveFailure(cause: unknown, object: GitRepository): unknown {
  if (!(cause instanceof GitError) || isListedByFlux(object)) return failureOf(cause);
  const message = cause.message.replace(/^unable to list remote for /, 'unable to clone ');
  return failureOf(new GitError(cause.reason, message, { cause }));
}

function isListedByFlux({ spec: { ref = {} }, status }: GitRepository): boolean {
  if (ref.commit) return false;
  if (ref.name) return true;
  return status?.artifact !== undefined && (Boolean(ref.tag) || !ref.semver);
}
