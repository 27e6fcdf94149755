// Fetches for GitRepositories, shared between those that want the same: one `ls-remote` for all that ask about the same
// reference at the same time, one fetch of a commit, one archive of it.

import { join } from 'node:path';
import { createFreshFlight } from '@weir/async';
import {
  fetchCommit,
  fetchLfs,
  type LfsPointer,
  listWithSubmodules,
  type Resolved,
  readCommit,
  resolveRef,
  type Slot,
  type TreeEntry,
  withObjects,
} from '@weir/git';
import { createSnapshots, putArchive, type Snapshot } from '../shared/snapshots.ts';
import { deadline } from '../shared/timeouts.ts';
import type { Contents } from './contents.ts';
import {
  conversation,
  type FetcherOptions,
  failureOf,
  userOf,
  type Wanted,
} from './conversation.ts';
import { packCommit } from './pack.ts';
import { readSigned, type SignedRevision } from './signed.ts';

/** A commit as an artifact in the store. */
export interface CommitSnapshot extends Snapshot {
  /** The commit's subject, shortened for messages. */
  subject: string;
  /** The name of the commit's author. */
  author: string;
}

export interface Fetcher {
  /**
   * Asks the remote which commit the reference is: the answer is never older than the call.
   * @throws GitError or RenderError, which resolveFailure puts into words for an object
   */
  resolve(wanted: Wanted): Promise<Resolved>;
  /**
   * Fetches a commit, packs it and puts it into the store.
   * @throws Failure
   */
  store(wanted: Wanted, resolved: Resolved, contents: Contents): Promise<CommitSnapshot>;
  /**
   * Fetches a commit, and the annotated tag that led to it, and reads which parts of them are signed.
   * @throws Failure
   */
  signed(wanted: Wanted, resolved: Resolved): Promise<SignedRevision>;
  /**
   * Runs work for a tenant when there is a slot for it; the signal aborts after `timeoutMs`, if given, and when the
   * service stops.
   */
  inSlot<T>(
    wanted: Wanted,
    work: (limits: { timeoutMs: number; signal: AbortSignal }) => Promise<T>,
  ): Promise<T>;
}

export function createFetcher(options: FetcherOptions): Fetcher {
  const { tracing } = options;
  const shareResolve = createFreshFlight<Resolved>();
  const shareStore = createSnapshots<CommitSnapshot>(options.artifacts);

  return {
    resolve: (wanted) =>
      tracing.span('ls-remote', { attributes: { 'url.full': wanted.remote.url } }, () =>
        shareResolve(keyOf(wanted), () => resolve(wanted, options)),
      ),
    store: (wanted, resolved, contents) => {
      const key = JSON.stringify([wanted.remote.key, resolved.commit, contents]);
      return shareStore(key, () => store(wanted, resolved, contents, options));
    },
    signed: (wanted, resolved) => readSigned(wanted, resolved, options),
    inSlot(wanted, work) {
      const { slot, timeoutMs, signal } = conversation(wanted, options);
      return slot(() => work({ timeoutMs, signal }));
    },
  };
}

function keyOf({ remote, ref = {}, timeoutMs }: Wanted): string {
  return JSON.stringify([remote.key, Object.entries(ref).sort(), timeoutMs]);
}

function resolve(wanted: Wanted, options: FetcherOptions): Promise<Resolved> {
  const { pool, slots, signal } = options;
  const { tenant } = wanted;
  const user = userOf(wanted);
  const remote = {
    ...conversation(wanted, options),
    slot: <T>(work: () => Promise<T>) => slots.ask(user, work),
  };
  return resolveRef(wanted.ref, remote, {
    highest: async (range, versions) =>
      (await pool.semver({ range, versions }, { tenant, signal })).highest,
    committedAt: (commits) => commitTimes(wanted, commits, options),
  });
}

/** Fetches the commits of tags with equal versions to find the youngest. */
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
  contents: Contents,
  options: FetcherOptions,
): Promise<CommitSnapshot> {
  const { tenant } = wanted;
  const { repositories, artifacts, tracing, slots } = options;
  const remote = conversation(wanted, options);
  // Everywhere the repository is taken before the slot, so that whoever holds a slot never waits for a repository.
  const { packed, subject, author } = await repositories.use(wanted.remote.key, async (dir) => {
    const fetch = { ...remote, dir, commit, ...(ref === undefined ? {} : { ref }) };
    await tracing.span('fetch', { attributes: { 'git.commit': commit } }, () =>
      fetchCommit(fetch).catch((cause: unknown) => {
        throw failureOf(cause);
      }),
    );
    const { timeoutMs } = remote;
    const entries = contents.recurseSubmodules
      ? await listAll(wanted, { dir, commit }, options)
      : undefined;
    return slots.transfer(userOf(wanted), () =>
      tracing.span('pack', {}, () =>
        packCommit(
          { ...options, dir, commit, entries, contents, timeoutMs, tenant },
          contents.lfs ? (pointers) => fetchPointed(wanted, dir, pointers, options) : undefined,
        ),
      ),
    );
  });
  return { ...(await putArchive(packed, { tenant, store: artifacts, tracing })), subject, author };
}

/** Fetches the contents of LFS pointers into the folder of the repository, with which they are removed. */
function fetchPointed(
  { remote, timeoutMs }: Wanted,
  dir: string,
  pointers: Iterable<LfsPointer>,
  { network, limits, tracing, ...options }: FetcherOptions,
): Promise<(oid: string) => string> {
  const { url, auth, proxy } = remote;
  const signal = deadline(options.signal, timeoutMs);
  return tracing.span('fetch LFS objects', { attributes: { 'url.full': url } }, () =>
    fetchLfs(pointers, {
      ...{ url, auth, proxy, network, signal },
      ...{ dir: join(dir, 'lfs'), maxBytes: limits.maxBytes },
    }),
  );
}

/** The files of a commit and of its submodules; each server has slots of its own. */
async function listAll(
  wanted: Wanted,
  where: { dir: string; commit: string },
  options: FetcherOptions,
): Promise<TreeEntry[]> {
  const { slots, limits, tracing } = options;
  const slotFor =
    (url: string): Slot =>
    (work) =>
      slots.transfer({ namespace: wanted.tenant, host: new URL(url).host }, work);
  const { maxFiles } = limits;
  const remote = conversation(wanted, options);
  return tracing.span('fetch submodules', { attributes: { 'git.commit': where.commit } }, () =>
    listWithSubmodules({ ...remote, ...where, maxFiles, slotFor }).catch((cause: unknown) => {
      throw failureOf(cause);
    }),
  );
}
