// Which files an artifact holds, by path and digest, without the artifact itself.
import { ArtifactError } from '@weir/artifact';
import { BusUnavailable } from '@weir/bus';
import { type FileIndex, indexPaths, type PathIndex } from '@weir/render';

/** An artifact's files, prepared to be compared with many traces; undefined when they can't be read. */
export type FileIndexes = (digest: string) => Promise<PathIndex | undefined>;

/** So many artifacts are kept: more sources than that seldom have a new one at the same time. */
const MAX_INDEXES = 8;

/** Reads each index once for all Kustomizations that run because of its artifact. */
export function createFileIndexes(store: {
  fileIndex(digest: string): Promise<FileIndex>;
}): FileIndexes {
  const indexes = new Map<string, Promise<PathIndex | undefined>>();
  return (digest) => {
    const index = indexes.get(digest) ?? readIndex(store, digest);
    indexes.delete(digest);
    indexes.set(digest, index);
    const [oldest] = indexes.keys();
    if (indexes.size > MAX_INDEXES && oldest !== undefined) indexes.delete(oldest);
    // An index that could not be read is read again the next time.
    void index.then((found) => {
      if (found === undefined && indexes.get(digest) === index) indexes.delete(digest);
    });
    return index;
  };
}

async function readIndex(
  store: { fileIndex(digest: string): Promise<FileIndex> },
  digest: string,
): Promise<PathIndex | undefined> {
  try {
    return indexPaths(await store.fileIndex(digest));
  } catch (error) {
    // The index is not in the store, or NATS is away. The artifact itself can perhaps still be fetched from its source.
    if (error instanceof ArtifactError || error instanceof BusUnavailable) return undefined;
    throw error;
  }
}
