import { type Consumer, StorageType } from '@nats-io/jetstream';
import { type ObjectInfo, type ObjectStore, Objm } from '@nats-io/obj';
import { type Bus, BusUnavailable, subjectToken } from '@weir/bus';

/** Large things in a bucket of the JetStream object store. They are streamed: at most a few chunks are in memory. */
export interface Objects {
  put(name: string, content: AsyncIterable<Uint8Array>): Promise<void>;
  /** The content as it comes; fails with BusUnavailable when it stops coming. */
  get(name: string): Promise<AsyncIterable<Uint8Array> | undefined>;
  remove(name: string): Promise<void>;
}

export interface ObjectsOptions {
  bus: Bus;
  replicas?: number;
  storage?: 'file' | 'memory';
}

const CHUNK = 256 * 1024;
/** Chunks that are asked for at a time. */
const BATCH = 16;
/** A batch that takes longer has lost its server. */
const BATCH_MS = 15_000;

/** Opens the bucket of the cluster when it is first used, and anew after each reconnect. */
export function createObjects({ bus, replicas, storage }: ObjectsOptions): Objects {
  // Bucket names hold letters, digits, `-` and `_` only.
  const bucket = `weir-artifacts-${subjectToken(bus.cluster).replaceAll('%', '_')}`;
  let opening: Promise<ObjectStore> | undefined;
  bus.onDisconnect(() => {
    opening = undefined;
  });

  async function open(): Promise<ObjectStore> {
    const js = await bus.jetstream();
    opening ??= new Objm(js).create(bucket, {
      description: 'Parts of artifacts that are too large for a message',
      storage: storage === 'memory' ? StorageType.Memory : StorageType.File,
      replicas: replicas ?? 1,
    });
    return opening;
  }

  /** Runs `use` on the bucket, which is opened anew after a failure: it may have been deleted. */
  async function withBucket<T>(use: (store: ObjectStore) => Promise<T>): Promise<T> {
    try {
      return await use(await open());
    } catch (error) {
      opening = undefined;
      throw error;
    }
  }

  return {
    put: (name, content) =>
      withBucket(async (store) => {
        // A stream that Node reads only as fast as NATS takes it.
        const stream = ReadableStream.from(content) as ReadableStream<Uint8Array>;
        await store.put({ name, options: { max_chunk_size: CHUNK } }, stream);
      }),
    get: (name) =>
      withBucket(async (store) => {
        const info = await store.info(name);
        if (info === null || info.deleted) return undefined;
        return chunksOf(bus, bucket, info);
      }),
    remove: async (name) => {
      await withBucket((store) => store.delete(name));
      // Deleting leaves a message behind for watchers of the bucket, of which there are none.
      const js = await bus.jetstream();
      const jsm = await js.jetstreamManager(false);
      const filter = `$O.${bucket}.M.${Buffer.from(name).toString('base64url')}`;
      await jsm.streams.purge(`OBJ_${bucket}`, { filter: padded(filter) });
    },
  };
}

// The meta subject of an object is its name in base64url with padding (ADR-20 of NATS).
function padded(subject: string): string {
  const name = subject.slice(subject.lastIndexOf('.') + 1);
  return subject + '='.repeat((4 - (name.length % 4)) % 4);
}

/**
 * Reads the chunks of an object a few at a time. `ObjectStore.get` would have the server push all of them, however slowly
 * they are taken.
 */
async function* chunksOf(
  bus: Bus,
  bucket: string,
  { nuid, chunks }: Pick<ObjectInfo, 'nuid' | 'chunks'>,
): AsyncGenerator<Uint8Array> {
  const js = await bus.jetstream();
  const subject = `$O.${bucket}.C.${nuid}`;
  const consumer = await js.consumers.get(`OBJ_${bucket}`, { filter_subjects: [subject] });
  try {
    for (let left = chunks; left > 0; ) {
      const wanted = Math.min(left, BATCH);
      const batch = await whileConnected(bus, () => readBatch(consumer, wanted));
      if (batch.length === 0) throw new BusUnavailable();
      left -= batch.length;
      yield* batch;
    }
  } finally {
    await consumer.delete().catch(() => undefined);
  }
}

async function readBatch(consumer: Consumer, wanted: number): Promise<Uint8Array[]> {
  const batch: Uint8Array[] = [];
  const messages = await consumer.fetch({ max_messages: wanted, expires: BATCH_MS / 2 });
  for await (const message of messages) {
    batch.push(message.data);
    if (batch.length === wanted) break;
  }
  return batch;
}

/** Reads for as long as the bus is there: by itself a read would wait for ever. */
async function whileConnected<T>(bus: Bus, read: () => Promise<T>): Promise<T> {
  const { promise: gone, reject } = Promise.withResolvers<never>();
  const giveUp = () => reject(new BusUnavailable());
  const stop = bus.onDisconnect(giveUp);
  const timer = setTimeout(giveUp, BATCH_MS);
  try {
    return await Promise.race([read(), gone]);
  } finally {
    clearTimeout(timer);
    stop();
  }
}
