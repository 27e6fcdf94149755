import { readFile } from 'node:fs/promises';
import { type Bus, BusUnavailable } from '@weir/bus';
import type { Logger } from '@weir/telemetry';
import { createBlobs, type StoredArtifact } from './blobs.ts';
import { createCache } from './cache.ts';
import { digestOf } from './digest.ts';
import { ArtifactError, ArtifactMissing } from './errors.ts';
import { decodeManifest, encodeManifest, type Manifest } from './manifest.ts';
import type { Packed } from './pack.ts';
import { readManifest } from './unpack.ts';

/** Artifacts by digest: in NATS for everyone, with the ones used here on the local disk. */
export interface ArtifactStore {
  /**
   * Stores an artifact. While NATS is away it is kept on the local disk, and sent when NATS is back.
   * Rejects with ArtifactError (StorageFull ...) when it can be stored nowhere.
   */
  put(packed: Packed): Promise<void>;
  /** Whether everyone can have it. Rejects with BusUnavailable while NATS is away. */
  has(digest: string): Promise<boolean>;
  /** Path of the tar.gz on the local disk, checked against its digest; it is safe to open for a minute. */
  file(digest: string): Promise<string>;
  /** Digests of an artifact's files. Like `file` it rejects with ArtifactMissing, or BusUnavailable. */
  manifest(digest: string): Promise<Manifest>;
  list(): Promise<StoredArtifact[]>;
  remove(digest: string): Promise<void>;
}

export interface StoreOptions {
  bus: Bus;
  /** Folder of the local copies; stores may share it. */
  dir: string;
  /** The copies used least recently go when they take more than this. */
  maxCacheBytes: number;
  /** Copies in NATS: as for its streams. */
  replicas?: number;
  storage?: 'file' | 'memory';
  log: Logger;
}

export function createStore(options: StoreOptions): ArtifactStore {
  const { bus, log } = options;
  // Put while NATS was away: their only copies are here.
  const pending = new Set<string>();
  const cache = createCache({
    dir: options.dir,
    maxBytes: options.maxCacheBytes,
    isPinned: (digest) => pending.has(digest),
    log,
  });
  const blobs = createBlobs(options);
  const once = singleFlight();

  async function sendPending(): Promise<void> {
    for (const digest of [...pending]) {
      const path = await cache.find(digest);
      const manifest = await cache.readManifest(digest);
      if (path !== undefined && manifest !== undefined) {
        await blobs.put(digest, await readFile(path), manifest);
      }
      pending.delete(digest);
    }
  }

  bus.onReconnect(() => {
    if (pending.size === 0) return;
    sendPending().catch((error) =>
      log.warn({ err: error, waiting: pending.size }, 'Artifacts could not be sent to NATS yet'),
    );
  });

  async function fetchFile(digest: string): Promise<string> {
    const local = await cache.find(digest);
    if (local !== undefined) return local;
    const content = await blobs.content(digest);
    if (content === undefined) throw new ArtifactMissing(digest);
    if (digestOf(content) !== digest) {
      log.error({ digest }, 'An artifact in NATS is damaged, removed it');
      await blobs.remove(digest);
      throw new ArtifactMissing(digest);
    }
    return cache.write(digest, content);
  }

  async function fetchManifest(digest: string): Promise<Manifest> {
    const encoded = (await cache.readManifest(digest)) ?? (await storedManifest(digest));
    if (encoded !== undefined) {
      try {
        return await decodeManifest(encoded);
      } catch (error) {
        log.warn({ err: error, digest }, 'Reading the manifest from the artifact instead');
      }
    }
    const manifest = await readManifest(await once(`file ${digest}`, () => fetchFile(digest)));
    await cache.writeManifest(digest, await encodeManifest(manifest));
    return manifest;
  }

  async function storedManifest(digest: string): Promise<Uint8Array | undefined> {
    // An archive that is here already is worth more than a request that may fail.
    if (!bus.connected() && (await cache.find(digest)) !== undefined) return undefined;
    const encoded = await blobs.manifest(digest);
    if (encoded !== undefined) await cache.writeManifest(digest, encoded);
    return encoded;
  }

  return {
    put: async ({ digest, bytes, manifest }) => {
      const encoded = await encodeManifest(manifest);
      await cache.writeManifest(digest, encoded);
      await cache.write(digest, bytes);
      try {
        await blobs.put(digest, bytes, encoded);
      } catch (error) {
        if (bus.connected() && !(error instanceof BusUnavailable)) throw refused(error);
        pending.add(digest);
        log.warn({ digest }, 'NATS is away: the artifact is kept here and sent later');
      }
    },
    has: (digest) => blobs.has(digest),
    file: (digest) => once(`file ${digest}`, () => fetchFile(digest)),
    manifest: (digest) => once(`manifest ${digest}`, () => fetchManifest(digest)),
    list: () => blobs.list(),
    remove: async (digest) => {
      pending.delete(digest);
      await cache.remove(digest);
      await blobs.remove(digest);
    },
  };
}

function refused(error: unknown): ArtifactError {
  const message = error instanceof Error ? error.message : String(error);
  return new ArtifactError('StorageOperationFailed', `NATS did not take the artifact: ${message}`, {
    transient: true,
    cause: error,
  });
}

/** Those who ask for the same thing at the same time share one answer. */
function singleFlight() {
  const flights = new Map<string, Promise<unknown>>();
  return <T>(key: string, run: () => Promise<T>): Promise<T> => {
    const flying = flights.get(key);
    if (flying !== undefined) return flying as Promise<T>;
    const flight = run().finally(() => flights.delete(key));
    flights.set(key, flight);
    return flight;
  };
}
