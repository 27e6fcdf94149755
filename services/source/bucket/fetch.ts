// Lists and fetches for Buckets, shared between those that want the same: one list for all that ask at the same time,
// and one artifact, for which only the objects are fetched that the previous artifact lacks.
import { Reason } from '@weir/api';
import type { ArtifactStore } from '@weir/artifact';
import { createBoundedMap, createFairLimit, createFreshFlight } from '@weir/async';
import { type Bucket, ObjectStoreError } from '@weir/objectstore';
import type { RenderPool } from '@weir/render';
import type { Tracing } from '@weir/telemetry';
import type { ContentLimits } from '../shared/limits.ts';
import {
  archiveFailure,
  createSnapshots,
  fetchFailure,
  putArchive,
  type Snapshot,
} from '../shared/snapshots.ts';
import { deadline } from '../shared/timeouts.ts';
import { type IgnoreFile, type Listing, listBucket } from './listing.ts';
import { etagsOf, makeArchive, type Stored } from './make.ts';
import { placeObjects } from './paths.ts';
import type { Network, Remote } from './remote.ts';

/** What to fetch from an object store. */
export interface Wanted {
  /** The namespace of the object that asks. Shared work counts for the namespace that asked first. */
  tenant: string;
  remote: Remote;
  prefix: string;
  ignore: string | undefined;
  /** Milliseconds for listing, and the same again for fetching. */
  timeoutMs: number;
}

/** The objects as an artifact in the store. */
export interface BucketSnapshot extends Snapshot {
  /** The revision of what was fetched: objects may have changed after the list. */
  revision: string;
  /** How many objects there are. */
  objects: number;
}

export interface Fetcher {
  /**
   * Lists the bucket anew: the answer is never older than the call.
   * @throws Failure
   */
  list(wanted: Wanted): Promise<Listing>;
  /**
   * Fetches what was listed and puts it into the store.
   * @throws Failure
   */
  store(wanted: Wanted, listing: Listing): Promise<BucketSnapshot>;
  /** Records that an artifact in the store has what was listed. */
  remember(wanted: Wanted, listing: Listing, digest: string): void;
}

export interface FetcherOptions {
  artifacts: ArtifactStore;
  pool: RenderPool;
  limits: ContentLimits;
  /** Folder for archives that are being made. */
  artifactDir: string;
  /** Folder for objects that are being fetched. The caller empties it before the start. */
  dir: string;
  network: Network;
  tracing: Tracing;
  /** Ends all work. */
  signal: AbortSignal;
}

/** A bucket with its connections and the rules that were read last. */
interface OpenBucket {
  bucket: Bucket;
  rules?: IgnoreFile | undefined;
}

/** Lists at a time. */
const LISTS = 32;
/** Artifacts that are made at a time: each may take `artifact-max-bytes` of disk. */
const FETCHES = 4;
/**
 * Bytes of the buckets whose connections and rules are kept. The connections of one that is dropped close when idle.
 */
const KEPT = 16 * 1024 ** 2;
/** The weight of a bucket without its rules. Bytes. */
const BUCKET = 64 * 1024;
/** Characters of all paths and ETags that are remembered: enough for about 100,000 objects. */
const REMEMBERED = 16 * 1024 ** 2;
/** The weight of a map's entry besides its texts, in characters. */
const ENTRY = 48;

export function createFetcher(options: FetcherOptions): Fetcher {
  const { artifacts, limits, network, tracing, signal } = options;
  const shareList = createFreshFlight<Listing>();
  const shareStore = createSnapshots<BucketSnapshot>(artifacts);
  const lists = createFairLimit(LISTS);
  const fetches = createFairLimit(FETCHES);
  const buckets = createBoundedMap<string, OpenBucket>({
    max: KEPT,
    weigh: ({ rules }) => BUCKET + (rules?.content.length ?? 0),
  });
  const stored = createBoundedMap<string, Stored>({ max: REMEMBERED, weigh });

  function open(remote: Remote): OpenBucket {
    const { key, bucket: name } = remote;
    const known = buckets.get(key);
    if (known !== undefined) return known;
    try {
      const opened = { bucket: remote.open(network) };
      buckets.set(key, opened);
      return opened;
    } catch (cause) {
      if (!(cause instanceof ObjectStoreError)) throw cause;
      const { reason, message } = cause;
      throw reason === 'InvalidBucketName'
        ? fetchFailure(
            Reason.BucketOperationFailed,
            `failed to confirm existence of '${name}' bucket: ${message}`,
            cause,
          )
        : fetchFailure(Reason.AuthenticationFailed, message, cause);
    }
  }

  function operation({ remote, timeoutMs }: Wanted) {
    const bucketName = remote.bucket;
    return { bucketName, timeoutMs, signal: deadline(signal, timeoutMs) };
  }

  async function list(wanted: Wanted): Promise<Listing> {
    const { tenant, remote, prefix, ignore } = wanted;
    const entry = open(remote);
    const listing = await lists.run(
      tenant,
      () =>
        listBucket({
          ...{ tenant, prefix, ignore, pool: options.pool },
          ...{ bucket: entry.bucket, known: entry.rules },
          ...operation(wanted),
        }),
      signal,
    );
    buckets.set(remote.key, { ...entry, rules: listing.ignoreFile });
    return listing;
  }

  async function store(wanted: Wanted, listing: Listing): Promise<BucketSnapshot> {
    const { tenant, remote } = wanted;
    const { bucket } = open(remote);
    const key = keyOf(wanted);
    const made = await fetches.run(
      tenant,
      () =>
        tracing.span('fetch', { attributes: { 's3.objects': listing.objects.length } }, () =>
          makeArchive(listing, stored.get(key), { ...options, ...operation(wanted), bucket }),
        ),
      signal,
    );
    const { packed, objects } = made;
    const snapshot = await putArchive(packed, { store: artifacts, tracing, tenant });
    stored.set(key, { digest: snapshot.digest, etags: etagsOf(objects) });
    return { ...snapshot, revision: made.revision, objects: objects.length };
  }

  return {
    list: (wanted) => {
      const { remote, prefix, ignore, timeoutMs } = wanted;
      const key = JSON.stringify([remote.key, prefix, ignore, timeoutMs]);
      const attributes = { 's3.bucket': remote.bucket };
      return tracing.span('list', { attributes }, () => shareList(key, () => list(wanted)));
    },
    store: (wanted, listing) => {
      const { revision, objects, ignoreFile } = listing;
      if (objects.length > limits.maxFiles) throw tooMany(objects.length, limits);
      return shareStore(JSON.stringify([keyOf(wanted), revision, ignoreFile?.etag]), () =>
        store(wanted, listing),
      );
    },
    remember(wanted, listing, digest) {
      const key = keyOf(wanted);
      if (stored.get(key)?.digest === digest) return;
      const etags = etagsOf(placeObjects(listing.objects));
      stored.set(key, { digest, etags });
    },
  };
}

function keyOf({ remote, prefix }: Wanted): string {
  return JSON.stringify([remote.key, prefix]);
}

function weigh({ etags }: Stored): number {
  let weight = ENTRY;
  for (const [path, etag] of etags) weight += path.length + etag.length + ENTRY;
  return weight;
}

function tooMany(count: number, { maxFiles }: ContentLimits) {
  const what = `the bucket has ${count} objects, of ${maxFiles} at most (--artifact-max-files)`;
  return archiveFailure(new Error(`${what}: leave some out with spec.ignore or spec.prefix`));
}
