import { stat } from 'node:fs/promises';
import { createCache } from '../cache.ts';
import { ArtifactMissing } from '../errors.ts';
import type { ArtifactStore } from '../store.ts';
import { readFileIndex } from '../unpack.ts';

/** A store that is only a folder, without NATS: for tests of code that serves, fetches or packs artifacts. */
export function createDiskStore(dir: string): ArtifactStore {
  const cache = createCache({ dir, maxBytes: 1024 ** 3 });
  const file = async (digest: string) => {
    const path = await cache.find(digest);
    if (path === undefined) throw new ArtifactMissing(digest);
    return path;
  };
  const stored = new Map<string, Date>();
  return {
    file,
    put: async (packed) => {
      await cache.adopt(packed.digest, packed.file);
      stored.set(packed.digest, new Date());
    },
    keep: (digest, download) => cache.write(digest, download()),
    has: async (digest) => (await cache.find(digest)) !== undefined,
    fileIndex: async (digest) => readFileIndex(await file(digest)),
    list: () =>
      Promise.all(
        [...stored].map(async ([digest, modified]) => {
          const { size } = await stat(await file(digest));
          return { digest, size, stored: size, namespaces: [], modified };
        }),
      ),
    remove: async (digest) => {
      stored.delete(digest);
      await cache.remove(digest);
    },
  };
}
