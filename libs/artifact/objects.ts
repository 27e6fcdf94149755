import type { Consumer } from '@nats-io/jetstream';
import { type ObjectInfo, type ObjectStore, Objm } from '@nats-io/obj';
import {
  type Bus,
  BusUnavailable,
  isStreamGone,
  manageStream,
  OBJECT_BUCKET,
  type StreamName,
  subjectToken,
} from '@weir/bus';

/** Large objects in a bucket of the JetStream object store. They are streamed: at most a few chunks are in memory. */
export interface Objects {
  put(name: string, content: AsyncIterable<Uint8Array>): Promise<void>;
  /** The content as a stream; it fails with BusUnavailable when no more arrives. */
  get(name: string): Promise<AsyncIterable<Uint8Array> | undefined>;
  remove(name: string): Promise<void>;
}

const STREAM: StreamName = `OBJ_${OBJECT_BUCKET}`;
const CHUNK = 256 * 1024;
/** Chunks that are requested at a time. */
const BATCH = 16;
/** After this time without a batch the server counts as gone. Milliseconds. */
const BATCH_MS = 15_000;

/** Opens the bucket at its first use, and again after each reconnect. The owner of the stream creates it. */
export function createObjects(bus: Bus): Objects {
  const manage = manageStream(bus, STREAM);
  // Several clusters may share the bucket, so the name of each object begins with its cluster.
  const objectName = (name: string) => `${subjectToken(bus.cluster)}.${name}`;
  let opening: Promise<ObjectStore> | undefined;
  bus.onDisconnect(() => {
    opening = undefined;
  });

  async function open(): Promise<ObjectStore> {
    opening ??= manage(async (jsm) => {
      // This rejects for a missing stream, by which `manage` learns that it is missing.
      await jsm.streams.info(STREAM);
      return new Objm(await bus.jetstream()).open(OBJECT_BUCKET, false);
    });
    return opening;
  }

  /** Runs `use` on the bucket, which is opened anew after a failure: it may have been deleted. */
  async function withBucket<T>(use: (store: ObjectStore) => Promise<T>): Promise<T> {
    try {
      return await use(await open());
    } catch (error) {
      opening = undefined;
      if (isStreamGone(error)) bus.streamMissing(STREAM);
      throw error;
    }
  }

  return {
    put: (name, content) =>
      withBucket(async (store) => {
        // Node reads the content only as fast as NATS takes it.
        const stream = ReadableStream.from(content) as ReadableStream<Uint8Array>;
        await store.put({ name: objectName(name), options: { max_chunk_size: CHUNK } }, stream);
      }),
    get: (name) =>
      withBucket(async (store) => {
        const info = await store.info(objectName(name));
        if (info === null || info.deleted) return undefined;
        return chunksOf(bus, info);
      }),
    remove: async (name) => {
      await withBucket((store) => store.delete(objectName(name)));
      // A deletion leaves a message for watchers of the bucket. There are none, so it is removed.
      const filter = `$O.${OBJECT_BUCKET}.M.${metaToken(objectName(name))}`;
      await manage((jsm) => jsm.streams.purge(STREAM, { filter }));
    },
  };
}

/** The last token of an object's meta subject: its name in base64url with padding (ADR-20 of NATS). */
function metaToken(name: string): string {
  const token = Buffer.from(name).toString('base64url');
  return token + '='.repeat((4 - (token.length % 4)) % 4);
}

/**
 * Reads the chunks of an object a few at a time. `ObjectStore.get` would let the server push all of them, however
 * slowly they are read.
 */
async function* chunksOf(
  bus: Bus,
  { nuid, chunks }: Pick<ObjectInfo, 'nuid' | 'chunks'>,
): AsyncGenerator<Uint8Array> {
  const js = await bus.jetstream();
  const subject = `$O.${OBJECT_BUCKET}.C.${nuid}`;
  const consumer = await js.consumers.get(STREAM, { filter_subjects: [subject] });
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

/** Ends the read when the bus goes away: by itself it would wait without end. */
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
