import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createSingleFlight } from '@weir/async';
import { type Bus, BusUnavailable } from '@weir/bus';
import type { Logger } from '@weir/telemetry';
import { createBlobs, type NewBlob, type Part, type StoredArtifact } from './blobs.ts';
import { type Content, createCache } from './cache.ts';
import { hashFor, parseDigest } from './digest.ts';
import { ArtifactError, ArtifactMissing } from './errors.ts';
import { decodeFileIndex, encodeFileIndex, type FileIndex } from './file-index.ts';
import { createNamespaceShares } from './namespace-share.ts';
import type { Packed } from './pack.ts';
import { readFileIndex } from './unpack.ts';

/** Artifacts by digest: in NATS for all replicas, and copies on the local disk. */
export interface ArtifactStore {
  /**
   * Stores an artifact, whose file is moved and whose size counts towards the share of `namespace`. While NATS is away
   * it is kept on the local disk, and sent when NATS is back. Rejects with ArtifactError: StorageQuotaExceeded when the
   * namespace has no room left, StorageFull and others when it can be stored nowhere.
   */
  put(packed: Packed, namespace?: string): Promise<void>;
  /** Whether the artifact is in NATS. Rejects with BusUnavailable while NATS is away. */
  has(digest: string): Promise<boolean>;
  /** Path of the tar.gz on the local disk, checked against its digest; it is safe to open for a minute. */
  file(digest: string): Promise<string>;
  /**
   * Keeps an artifact on the local disk only. Callers that want the same at the same time share one `download`, which
   * fails if the content doesn't have the digest.
   */
  keep(digest: string, download: () => Content): Promise<string>;
  /** Digests of an artifact's files. Like `file` it rejects with ArtifactMissing, or BusUnavailable. */
  fileIndex(digest: string): Promise<FileIndex>;
  list(): Promise<StoredArtifact[]>;
  remove(digest: string): Promise<void>;
}

export interface StoreOptions {
  bus: Bus;
  /** Folder of the local copies; stores may share it. */
  dir: string;
  /** Bytes of all copies; the least recently used ones are removed beyond that. */
  maxCacheBytes: number;
  /** Bytes that the artifacts of one namespace may take in NATS together; no limit when left out. */
  namespaceMaxBytes?: number;
  log: Logger;
}

export function createStore(options: StoreOptions): ArtifactStore {
  const { bus, log } = options;
  // Artifacts that were put while NATS was away, whose only copies are here.
  const pending = new Map<string, string | undefined>();
  const cache = createCache({
    dir: options.dir,
    maxBytes: options.maxCacheBytes,
    isPinned: (digest) => pending.has(digest),
    log,
  });
  const blobs = createBlobs(bus);
  const shares = createNamespaceShares({
    max: options.namespaceMaxBytes ?? Number.POSITIVE_INFINITY,
    list: blobs.list,
  });
  const shareFile = createSingleFlight<string>();
  const shareDownload = createSingleFlight<string>();
  const shareFileIndex = createSingleFlight<FileIndex>();

  async function send(blob: NewBlob, namespace: string | undefined): Promise<void> {
    const { digest, content, fileIndex } = blob;
    const bytes = content.size + fileIndex.size;
    if (namespace !== undefined) await shares.check(namespace, digest, bytes);
    await blobs.put(blob, namespace);
    if (namespace !== undefined) shares.add(namespace, digest, bytes);
  }

  async function sendPending(): Promise<void> {
    for (const [digest, namespace] of [...pending]) {
      const path = await cache.find(digest);
      const fileIndex = await cache.readFileIndex(digest);
      if (path !== undefined && fileIndex !== undefined) {
        try {
          const content = await fileContent(path);
          await send({ digest, content, fileIndex: inMemory(fileIndex) }, namespace);
        } catch (error) {
          // A namespace without room must not block what others have waiting.
          if (!(error instanceof ArtifactError)) throw error;
          log.warn({ err: error, digest, namespace }, 'An artifact was not sent to NATS');
        }
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
    try {
      return await cache.write(digest, checked(digest, content));
    } catch (error) {
      if (!(error instanceof Damaged)) throw error;
      log.error({ digest }, 'An artifact in NATS is damaged');
      // Only the service that writes artifacts may remove one. It notices the same damage when it reads the artifact
      // itself.
      if (bus.owns('weir-blobs')) await blobs.remove(digest);
      throw new ArtifactMissing(digest);
    }
  }

  async function fetchFileIndex(digest: string): Promise<FileIndex> {
    const encoded = (await cache.readFileIndex(digest)) ?? (await storedFileIndex(digest));
    if (encoded !== undefined) {
      try {
        return await decodeFileIndex(encoded);
      } catch (error) {
        log.warn({ err: error, digest }, 'Reading the file index from the artifact instead');
      }
    }
    const fileIndex = await readFileIndex(await shareFile(digest, () => fetchFile(digest)));
    await cache.writeFileIndex(digest, await encodeFileIndex(fileIndex));
    return fileIndex;
  }

  async function storedFileIndex(digest: string): Promise<Uint8Array | undefined> {
    // While NATS is away, the file index is read from the archive on the local disk, if there is one.
    if (!bus.connected() && (await cache.find(digest)) !== undefined) return undefined;
    const encoded = await blobs.fileIndex(digest);
    if (encoded !== undefined) await cache.writeFileIndex(digest, encoded);
    return encoded;
  }

  return {
    put: async ({ digest, file, fileIndex }, namespace) => {
      const path = await cache.adopt(digest, file);
      const encoded = await encodeFileIndex(fileIndex);
      await cache.writeFileIndex(digest, encoded);
      try {
        const content = await fileContent(path);
        await send({ digest, content, fileIndex: inMemory(encoded) }, namespace);
      } catch (error) {
        if (error instanceof ArtifactError) throw error;
        if (bus.connected() && !(error instanceof BusUnavailable)) throw refused(error);
        pending.set(digest, namespace);
        log.warn({ digest }, 'NATS is away: the artifact is kept here and sent later');
      }
    },
    has: (digest) => blobs.has(digest),
    file: (digest) => shareFile(digest, () => fetchFile(digest)),
    keep: (digest, download) =>
      shareDownload(
        digest,
        async () => (await cache.find(digest)) ?? (await cache.write(digest, download())),
      ),
    fileIndex: (digest) => shareFileIndex(digest, () => fetchFileIndex(digest)),
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

/** The content of a file, read from its beginning by each iteration. */
async function fileContent(path: string): Promise<Part> {
  const { size } = await stat(path);
  return { size, content: { [Symbol.asyncIterator]: () => createReadStream(path).iterator() } };
}

function inMemory(bytes: Uint8Array): Part {
  return {
    size: bytes.length,
    content: {
      async *[Symbol.asyncIterator]() {
        yield bytes;
      },
    },
  };
}

/** Content that doesn't have its digest. */
class Damaged extends Error {}

/** Passes content on, and fails at its end if it doesn't have the digest. */
async function* checked(
  digest: string,
  content: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const hash = hashFor(digest);
  for await (const chunk of content) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest('hex') !== parseDigest(digest).hex) throw new Damaged();
}
