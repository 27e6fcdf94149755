// What GitRepositories fetch, shared between those that want the same: one `ls-remote` for all that ask about the same
// reference at the same time, one fetch of a commit, one pack of it.

import { FETCH_FAILED, type GitRepositorySpec, Reason, STORAGE_OPERATION_FAILED } from '@weir/api';
import type { ArtifactStore } from '@weir/artifact';
import {
  createFreshFlight,
  createKeyedLimit,
  createLimit,
  createSingleFlight,
  type Limit,
} from '@weir/async';
import {
  fetchCommit,
  GitError,
  type Resolved,
  readCommit,
  resolveRef,
  type TreeLimits,
  withObjects,
} from '@weir/git';
import { Failure, messageOf } from '@weir/reconcile';
import { RenderError, type RenderPool } from '@weir/render';
import type { Tracing } from '@weir/telemetry';
import { isArtifactLost } from '../shared/artifacts.ts';
import type { Remote } from './credentials.ts';
import { packCommit } from './pack.ts';
import type { RepositoryCache } from './repositories.ts';

/** What to fetch from a remote. */
export interface Wanted {
  remote: Remote;
  ref: GitRepositorySpec['ref'];
  /** Milliseconds for one Git operation. */
  timeoutMs: number;
  /** The namespace that wants it first: work that is shared counts for that one. */
  tenant: string;
}

/** A commit as an artifact that is in the store. */
export interface Snapshot {
  digest: string;
  /** Bytes. */
  size: number;
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
  store(wanted: Wanted, resolved: Resolved, ignore: string | undefined): Promise<Snapshot>;
}

export interface FetcherOptions {
  repositories: RepositoryCache;
  artifacts: ArtifactStore;
  pool: RenderPool;
  limits: TreeLimits;
  /** Operations at a time on one host: those on a host that hangs wait for each other, and nobody else does. */
  perHost: number;
  tracing: Tracing;
  /** Ends all Git processes. */
  signal: AbortSignal;
}

interface Shared extends FetcherOptions {
  limitPacking: Limit;
  limitHost<T>(host: string, work: () => Promise<T>): Promise<T>;
}

/** Snapshots whose digest is remembered. */
const remembered = 1_000;
/** A pack is made in memory. */
const packsAtATime = 2;

export function createFetcher(options: FetcherOptions): Fetcher {
  const { tracing } = options;
  const shareResolve = createFreshFlight<Resolved>();
  const shareStore = createSingleFlight<Snapshot>();
  const shared: Shared = {
    ...options,
    limitPacking: createLimit(packsAtATime),
    limitHost: createKeyedLimit(options.perHost),
  };
  // What was stored a moment ago need not be fetched again for the next object that wants it.
  const recent = new Map<string, Snapshot>();

  async function known(key: string): Promise<Snapshot | undefined> {
    const snapshot = recent.get(key);
    return snapshot && !(await isArtifactLost(options.artifacts, snapshot)) ? snapshot : undefined;
  }

  function remember(key: string, snapshot: Snapshot): Snapshot {
    recent.delete(key);
    recent.set(key, snapshot);
    const [oldest] = recent.keys();
    if (recent.size > remembered && oldest !== undefined) recent.delete(oldest);
    return snapshot;
  }

  return {
    resolve: (wanted) =>
      tracing.span('ls-remote', { attributes: { 'url.full': wanted.remote.url } }, () =>
        shareResolve(keyOf(wanted), () => resolve(wanted, shared)),
      ),
    store: (wanted, resolved, ignore) => {
      const key = JSON.stringify([wanted.remote.key, resolved.commit, ignore]);
      return shareStore(key, async () => {
        const before = await known(key);
        if (before) return before;
        return remember(key, await store(wanted, resolved, ignore, shared));
      });
    },
  };
}

function keyOf({ remote, ref = {}, timeoutMs }: Wanted): string {
  return JSON.stringify([remote.key, Object.entries(ref).sort(), timeoutMs]);
}

function hostOf({ url }: Remote): string {
  return new URL(url).host;
}

async function resolve(wanted: Wanted, options: Shared): Promise<Resolved> {
  const { remote, timeoutMs, tenant } = wanted;
  const { pool, signal, limitHost } = options;
  const context = { url: remote.url, auth: remote.auth, timeoutMs, signal };
  try {
    return await limitHost(hostOf(remote), () =>
      resolveRef(wanted.ref, context, {
        highest: async (range, versions) =>
          (await pool.semver({ range, versions }, { tenant, signal })).highest,
        committedAt: (commits) => commitTimes(wanted, commits, options),
      }),
    );
  } catch (cause) {
    throw fetchFailure(cause);
  }
}

/** Fetches the commits of tags with equal versions to tell which is the youngest. */
async function commitTimes(
  wanted: Wanted,
  commits: string[],
  { repositories, signal }: FetcherOptions,
): Promise<Map<string, number>> {
  const { remote, timeoutMs } = wanted;
  return repositories.use(remote.key, async (dir) => {
    for (const commit of commits) {
      await fetchCommit({ url: remote.url, auth: remote.auth, dir, commit, timeoutMs, signal });
    }
    return withObjects({ dir, timeoutMs, signal }, async (objects) => {
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
  options: Shared,
): Promise<Snapshot> {
  const { remote, timeoutMs, tenant } = wanted;
  const { repositories, artifacts, tracing, signal, limitHost } = options;
  const { packed, subject } = await repositories.use(remote.key, async (dir) => {
    await tracing.span('fetch', { attributes: { 'git.commit': commit } }, () =>
      limitHost(hostOf(remote), () =>
        fetchCommit({
          url: remote.url,
          auth: remote.auth,
          dir,
          commit,
          timeoutMs,
          signal,
          ...(ref === undefined ? {} : { ref }),
        }),
      ).catch((cause: unknown) => {
        throw fetchFailure(cause);
      }),
    );
    return options.limitPacking(() =>
      tracing.span('pack', {}, () =>
        packCommit({ ...options, dir, commit, ignore, timeoutMs, tenant }),
      ),
    );
  });
  await tracing.span('store', { attributes: { 'artifact.size': packed.size } }, () =>
    artifacts.put(packed).catch((cause: unknown) => {
      throw new Failure(
        Reason.ArchiveOperationFailed,
        `unable to archive artifact to storage: ${messageOf(cause)}`,
        { condition: STORAGE_OPERATION_FAILED, cause },
      );
    }),
  );
  return { digest: packed.digest, size: packed.size, subject };
}

function fetchFailure(cause: unknown): unknown {
  if (cause instanceof GitError && cause.reason === 'Aborted') return cause;
  if (!(cause instanceof GitError) && !(cause instanceof RenderError)) return cause;
  const empty = cause.message.startsWith('git repository is empty');
  return new Failure(
    empty ? Reason.EmptyGitRepository : Reason.GitOperationFailed,
    empty ? cause.message : `failed to checkout and determine revision: ${cause.message}`,
    { condition: FETCH_FAILED, cause },
  );
}
