// What GitRepositories fetch, shared between those that want the same: one `ls-remote` for all that ask about the same
// reference at the same time, one fetch of a commit, one pack of it.

import { type GitRepositorySpec, Reason } from '@weir/api';
import type { ArtifactStore } from '@weir/artifact';
import { createFreshFlight } from '@weir/async';
import {
  fetchCommit,
  GitError,
  type GitLimits,
  type NetworkPolicy,
  type Resolved,
  readCommit,
  resolveRef,
  type TreeLimits,
  withObjects,
} from '@weir/git';
import { RenderError, type RenderPool } from '@weir/render';
import type { Tracing } from '@weir/telemetry';
import { createSnapshots, fetchFailure, putArchive, type Snapshot } from '../shared/snapshots.ts';
import type { Remote } from './credentials.ts';
import { packCommit } from './pack.ts';
import type { RepositoryCache } from './repositories.ts';
import type { GitSlots, GitUser } from './slots.ts';

/** What to fetch from a remote. */
export interface Wanted {
  /** The namespace of the object that asks. Work that several want counts for the one that asked first. */
  tenant: string;
  remote: Remote;
  ref: GitRepositorySpec['ref'];
  /** Milliseconds for one Git operation. */
  timeoutMs: number;
}

/** A commit as an artifact that is in the store. */
export interface CommitSnapshot extends Snapshot {
  /** The commit's subject, shortened for messages. */
  subject: string;
}

export interface Fetcher {
  /**
   * Asks the remote which commit the reference is, now: never with an answer older than the call.
   * @throws Failure
   */
  resolve(wanted: Wanted): Promise<Resolved>;
  /**
   * Fetches a commit, packs it and puts it into the store.
   * @throws Failure
   */
  store(wanted: Wanted, resolved: Resolved, ignore: string | undefined): Promise<CommitSnapshot>;
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
  /** Folder for an archive on its way into the store. */
  artifactDir: string;
  /** Bytes of an archive, at most. */
  maxPackedBytes: number;
  tracing: Tracing;
  /** Ends all Git processes. */
  signal: AbortSignal;
}

/** The longest that one conversation with a server, or one pack, holds its slot, whatever `spec.timeout` says. Ms. */
const maxTimeoutMs = 10 * 60_000;

export function createFetcher(options: FetcherOptions): Fetcher {
  const { tracing } = options;
  const shareResolve = createFreshFlight<Resolved>();
  const shareStore = createSnapshots<CommitSnapshot>(options.artifacts);

  return {
    resolve: (wanted) =>
      tracing.span('ls-remote', { attributes: { 'url.full': wanted.remote.url } }, () =>
        shareResolve(keyOf(wanted), () => resolve(wanted, options)),
      ),
    store: (wanted, resolved, ignore) => {
      const key = JSON.stringify([wanted.remote.key, resolved.commit, ignore]);
      return shareStore(key, () => store(wanted, resolved, ignore, options));
    },
  };
}

function keyOf({ remote, ref = {}, timeoutMs }: Wanted): string {
  return JSON.stringify([remote.key, Object.entries(ref).sort(), timeoutMs]);
}

function userOf({ tenant, remote }: Wanted): GitUser {
  return { namespace: tenant, host: new URL(remote.url).host };
}

/** What every conversation with the wanted remote needs. */
function conversation(wanted: Wanted, { signal, network, gitLimits, slots }: FetcherOptions) {
  const { remote } = wanted;
  const user = userOf(wanted);
  return {
    url: remote.url,
    auth: remote.auth,
    proxy: remote.proxy,
    timeoutMs: Math.min(wanted.timeoutMs, maxTimeoutMs),
    signal,
    network,
    limits: gitLimits,
    slot: <T>(work: () => Promise<T>) => slots.transfer(user, work),
  };
}

async function resolve(wanted: Wanted, options: FetcherOptions): Promise<Resolved> {
  const { pool, slots, signal } = options;
  const { tenant } = wanted;
  const user = userOf(wanted);
  const remote = {
    ...conversation(wanted, options),
    slot: <T>(work: () => Promise<T>) => slots.ask(user, work),
  };
  try {
    return await resolveRef(wanted.ref, remote, {
      highest: async (range, versions) =>
        (await pool.semver({ range, versions }, { tenant, signal })).highest,
      committedAt: (commits) => commitTimes(wanted, commits, options),
    });
  } catch (cause) {
    throw failureOf(cause);
  }
}

/** Fetches the commits of tags with equal versions to tell which is the youngest. */
async function commitTimes(
  wanted: Wanted,
  commits: string[],
  options: FetcherOptions,
): Promise<Map<string, number>> {
  const remote = conversation(wanted, options);
  const { timeoutMs, signal, limits } = remote;
  return options.repositories.use(wanted.remote.key, async (dir) => {
    for (const commit of commits) await fetchCommit({ ...remote, dir, commit });
    return withObjects({ dir, timeoutMs, signal, limits }, async (objects) => {
      const times = new Map<string, number>();
      for (const commit of commits)
        times.set(commit, (await readCommit(objects, commit)).committer.when.getTime());
      return times;
    });
  });
}

async function store(
  wanted: Wanted,
  { commit, ref }: Resolved,
  ignore: string | undefined,
  options: FetcherOptions,
): Promise<CommitSnapshot> {
  const { tenant } = wanted;
  const { repositories, artifacts, tracing, slots } = options;
  const remote = conversation(wanted, options);
  // The repository is had before a slot, everywhere: who holds a slot waits for no repository.
  const { packed, subject } = await repositories.use(wanted.remote.key, async (dir) => {
    const fetch = { ...remote, dir, commit, ...(ref === undefined ? {} : { ref }) };
    await tracing.span('fetch', { attributes: { 'git.commit': commit } }, () =>
      fetchCommit(fetch).catch((cause: unknown) => {
        throw failureOf(cause);
      }),
    );
    const { timeoutMs } = remote;
    return slots.transfer(userOf(wanted), () =>
      tracing.span('pack', {}, () =>
        packCommit({ ...options, dir, commit, ignore, timeoutMs, tenant }),
      ),
    );
  });
  return { ...(await putArchive(packed, { tenant, store: artifacts, tracing })), subject };
}

function failureOf(cause: unknown): unknown {
  if (cause instanceof GitError && cause.reason === 'Aborted') return cause;
  if (!(cause instanceof GitError) && !(cause instanceof RenderError)) return cause;
  const empty = cause.message.startsWith('git repository is empty');
  return fetchFailure(
    empty ? Reason.EmptyGitRepository : Reason.GitOperationFailed,
    empty ? cause.message : `failed to checkout and determine revision: ${cause.message}`,
    cause,
  );
}
