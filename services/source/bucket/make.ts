// Makes an artifact of a bucket: fetches the objects that the previous artifact lacks, and packs them with the others.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ArtifactError, type ArtifactStore } from '@weir/artifact';
import { BusUnavailable } from '@weir/bus';
import type { Bucket } from '@weir/objectstore';
import { onDisk } from '../shared/disk.ts';
import type { ContentLimits } from '../shared/limits.ts';
import { archiveFailure } from '../shared/snapshots.ts';
import { packContents } from './archive.ts';
import { downloadObjects } from './download.ts';
import { operationFailure } from './failures.ts';
import { type Listing, revisionOf } from './listing.ts';
import { type PlacedObject, placeObjects } from './paths.ts';

/** An artifact, with the objects that it was made from. */
export interface Stored {
  digest: string;
  /** ETags by path in the archive. */
  etags: ReadonlyMap<string, string>;
}

export interface MakeOptions {
  bucket: Bucket;
  bucketName: string;
  artifacts: ArtifactStore;
  limits: ContentLimits;
  /** Folder for the archive. */
  artifactDir: string;
  /** Folder for objects that are fetched. */
  dir: string;
  timeoutMs: number;
  signal: AbortSignal;
}

/**
 * @param last what is known of the previous artifact; without it everything is fetched
 * @throws Failure
 */
export async function makeArchive(
  listing: Listing,
  last: Stored | undefined,
  options: MakeOptions,
) {
  const placed = place(listing, options);
  checkSizes(placed, options.limits);
  const before = last && (await archiveOf(options.artifacts, last.digest));
  const isKept = ({ path, etag }: PlacedObject) =>
    before !== undefined && etag !== '' && last?.etags.get(path) === etag;
  const unchanged = placed.filter(isKept);
  const wanted = placed.filter((object) => !isKept(object));
  const dir = await makeFolder(options);
  try {
    const { maxBytes } = options.limits;
    const fetched = await downloadObjects(wanted, { ...options, dir, maxBytes });
    const paths = new Set([...unchanged, ...fetched].map(({ path }) => path));
    const etags = new Map(fetched.map(({ path, etag }) => [path, etag]));
    const objects = placed
      .filter(({ path }) => paths.has(path))
      .map((object) => ({ ...object, etag: etags.get(object.path) ?? object.etag }));
    const packed = await packContents(
      {
        ...{ fetched, before, ignoreFile: listing.ignoreFile },
        unchanged: unchanged.map(({ path }) => path),
      },
      { limits: options.limits, dir: options.artifactDir },
    ).catch((cause: unknown) => {
      throw archiveFailure(cause);
    });
    return { packed, objects, revision: revisionOf(objects) };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function makeFolder(options: MakeOptions): Promise<string> {
  try {
    return await onDisk(async () => {
      await mkdir(options.dir, { recursive: true });
      return mkdtemp(join(options.dir, 'fetch-'));
    });
  } catch (cause) {
    throw operationFailure(`fetch from bucket '${options.bucketName}' failed`, cause, options);
  }
}

function place({ objects }: Listing, context: MakeOptions): PlacedObject[] {
  try {
    return placeObjects(objects);
  } catch (cause) {
    throw operationFailure(`fetch from bucket '${context.bucketName}' failed`, cause, context);
  }
}

/** The path of an artifact on the local disk; undefined when it can't be had, so that everything is fetched. */
async function archiveOf(store: ArtifactStore, digest: string): Promise<string | undefined> {
  try {
    return await store.file(digest);
  } catch (error) {
    if (error instanceof ArtifactError || error instanceof BusUnavailable) return undefined;
    throw error;
  }
}

/** The sizes in the list are enough to refuse, so that nothing is fetched in vain. */
function checkSizes(objects: readonly PlacedObject[], { maxBytes }: ContentLimits): void {
  const largest = objects.reduce<PlacedObject | undefined>(
    (most, object) => (most === undefined || object.size > most.size ? object : most),
    undefined,
  );
  const bytes = objects.reduce((sum, { size }) => sum + size, 0);
  if (largest === undefined || bytes <= maxBytes) return;
  const what = `the objects have ${bytes} bytes, of ${maxBytes} at most (--artifact-max-bytes)`;
  const advice = `the largest is '${largest.key}' with ${largest.size} bytes: leave it out with spec.ignore`;
  throw archiveFailure(new Error(`${what}, and ${advice}`));
}

export function etagsOf(objects: readonly PlacedObject[]): Map<string, string> {
  return new Map(objects.map(({ path, etag }) => [path, etag]));
}
