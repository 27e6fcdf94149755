// The indexes of chart repositories: fetched when they changed, read once, and kept as files in which a chart is looked
// up without reading the rest. Neither an index nor a part of it is ever in this process's memory.
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactStore } from '@weir/artifact';
import {
  createBoundedMap,
  createFairLimit,
  createFreshFlight,
  createSingleFlight,
} from '@weir/async';
import { indexUrl } from '@weir/helm';
import type { RenderPool } from '@weir/render';
import { maskUrl, type Tracing } from '@weir/telemetry';
import { download } from '../download.ts';
import { packedFile } from '../packed-file.ts';
import { putArchive, type Snapshot } from '../snapshots.ts';
import type { Access } from './access.ts';
import type { ChartClients } from './clients.ts';
import { createAnswers } from './kept-answers.ts';

/** An index in its present state at the repository. */
export interface FetchedIndex {
  /** `sha256:<hex>` of the bytes that were fetched. */
  revision: string;
  /** Bytes that were fetched. */
  size: number;
  /** The stored index; undefined when the revision is the one that the asker has. */
  snapshot: Snapshot | undefined;
}

export interface Indexes {
  /**
   * Fetches an index and stores it as JSON. An index of the known revision is not read.
   * @param known the revision that the asker has
   * @throws HelmError; RenderError IndexationFailed; Failure ArchiveOperationFailed
   */
  fetch(access: Access, known: string | undefined): Promise<FetchedIndex>;
  /**
   * Path of the file in which charts of a stored index are looked up.
   * @throws ArtifactMissing; RenderError
   */
  lookup(digest: string, tenant: string): Promise<string>;
  /**
   * The same for a repository whose index is not stored as an artifact.
   * @throws HelmError; RenderError
   */
  peek(access: Access): Promise<string>;
  /** Removes files that were not used for a day, and the oldest ones beyond a bound. */
  tidy(): Promise<void>;
}

export interface IndexesOptions {
  store: ArtifactStore;
  pool: RenderPool;
  clients: ChartClients;
  /** Folder for derived data. */
  dir: string;
  /** Folder for files that are being made. */
  workDir: string;
  /** Bytes of an index, at most (`--helm-index-max-bytes`). */
  maxBytes: number;
  tracing: Tracing;
  signal: AbortSignal;
}

const REMEMBERED = 1_000;
/** Indexes that are fetched or read at a time, each a file of up to `maxBytes`. */
const FETCHES = 8;
/** The longest that reading one may take, in ms: the largest take seconds. */
const READ_MS = 5 * 60_000;
const DAY_MS = 24 * 60 * 60_000;
/** Bytes of all lookup files. */
const MAX_KEPT = 512 * 1024 ** 2;

export function createIndexes(options: IndexesOptions): Indexes {
  const { store, pool, clients, dir, workDir, maxBytes, tracing, signal } = options;
  const shareFetch = createFreshFlight<FetchedIndex>();
  const shareLookup = createSingleFlight<string>();
  const sharePeek = createFreshFlight<string>();
  const fetches = createFairLimit(FETCHES);
  const answers = createAnswers(dir);
  const stored = createBoundedMap<string, Snapshot>({ max: REMEMBERED });

  const read = (tenant: string, request: { file: string; json?: string; lookup: string }) =>
    tracing.span('read index', {}, () =>
      pool.chartIndex(request, { tenant, signal, timeoutMs: READ_MS }),
    );

  /** Fetches the index into a new file; undefined when it has not changed and `isNeeded` says that nobody needs it. */
  async function get(access: Access, isNeeded: (revision: string) => boolean | Promise<boolean>) {
    const before = await answers.get(access.key);
    const isKnown = before !== undefined && !(await isNeeded(before.revision));
    const got = await clients.get(access, indexUrl(access.url), {
      maxBytes,
      tooLarge: `index exceeds the maximum index file size of ${maxBytes} bytes`,
      known: isKnown ? before.validators : undefined,
    });
    if (got === undefined) {
      if (before === undefined)
        throw new Error('a repository answers for an index that nobody has');
      await answers.keep(access.key, before);
      return { ...before, file: undefined };
    }
    const { digest, size, file } = await download(got.content, workDir);
    await answers.keep(access.key, { validators: got.validators, revision: digest, size });
    return { revision: digest, size, file };
  }

  async function hasSnapshot(revision: string): Promise<boolean> {
    const snapshot = stored.get(revision);
    return snapshot !== undefined && (await store.has(snapshot.digest).catch(() => true));
  }

  async function fetchOnce(access: Access, known: string | undefined): Promise<FetchedIndex> {
    const isNeeded = async (revision: string) =>
      revision !== known && !(await hasSnapshot(revision));
    const { revision, size, file } = await get(access, isNeeded);
    try {
      if (revision === known) return { revision, size, snapshot: undefined };
      if (await hasSnapshot(revision)) return { revision, size, snapshot: stored.get(revision) };
      if (file === undefined) throw new Error('an index that is needed was not fetched');
      const snapshot = await readAndStore(file, access.tenant);
      stored.set(revision, snapshot);
      return { revision, size, snapshot };
    } finally {
      if (file !== undefined) await rm(file, { force: true });
    }
  }

  async function readAndStore(file: string, tenant: string): Promise<Snapshot> {
    const json = `${file}.json`;
    const lookup = `${file}.lookup`;
    try {
      await read(tenant, { file, json, lookup });
      const packed = await packedFile(json);
      await keep(lookup, packed.digest);
      return await putArchive(packed, { tenant, store, tracing });
    } finally {
      await Promise.all([json, lookup].map((path) => rm(path, { force: true })));
    }
  }

  async function keep(file: string, digest: string): Promise<string> {
    const path = join(dir, `${digest.replace(/^sha256:/, '')}.lookup`);
    await mkdir(dir, { recursive: true });
    await rename(file, path);
    return path;
  }

  /** The lookup file, if it is on the disk. */
  async function kept(digest: string): Promise<string | undefined> {
    const path = join(dir, `${digest.replace(/^sha256:/, '')}.lookup`);
    const now = new Date();
    const isThere = await utimes(path, now, now).then(
      () => true,
      () => false,
    );
    return isThere ? path : undefined;
  }

  async function makeLookup(file: string, digest: string, tenant: string): Promise<string> {
    const before = await kept(digest);
    if (before !== undefined) return before;
    await mkdir(dir, { recursive: true });
    const lookup = join(dir, `${digest.replace(/^sha256:/, '')}.part`);
    await rm(lookup, { force: true });
    await read(tenant, { file, lookup });
    return keep(lookup, digest);
  }

  return {
    fetch: (access, known) => {
      const { key, tenant, timeoutMs, url } = access;
      return tracing.span('fetch index', { attributes: { 'url.full': maskUrl(url) } }, () =>
        shareFetch(JSON.stringify([key, timeoutMs, known]), () =>
          fetches.run(tenant, () => fetchOnce(access, known), signal),
        ),
      );
    },
    lookup: (digest, tenant) =>
      shareLookup(digest, async () => {
        return (await kept(digest)) ?? makeLookup(await store.file(digest), digest, tenant);
      }),
    peek: (access) =>
      sharePeek(JSON.stringify([access.key, access.timeoutMs]), () =>
        fetches.run(
          access.tenant,
          async () => {
            const isNeeded = async (revision: string) => (await kept(revision)) === undefined;
            const { revision, file } = await get(access, isNeeded);
            try {
              return await makeLookup(file ?? '', revision, access.tenant);
            } finally {
              if (file !== undefined) await rm(file, { force: true });
            }
          },
          signal,
        ),
      ),
    async tidy() {
      const names = await readdir(dir).catch(() => []);
      const files = await Promise.all(
        names.map(async (name) => ({ path: join(dir, name), ...(await statOf(join(dir, name))) })),
      );
      let total = 0;
      for (const { path, mtimeMs, size } of files.sort((a, b) => b.mtimeMs - a.mtimeMs)) {
        total += size;
        if (total <= MAX_KEPT && Date.now() - mtimeMs < DAY_MS) continue;
        await rm(path, { recursive: true, force: true });
      }
    },
  };
}

async function statOf(path: string): Promise<{ mtimeMs: number; size: number }> {
  // A file that was removed meanwhile counts as empty.
  return stat(path).catch(() => ({ mtimeMs: 0, size: 0 }));
}
