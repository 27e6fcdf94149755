import { StorageType } from '@nats-io/jetstream';
import { type ObjectStore, Objm } from '@nats-io/obj';
import { type Bus, BusUnavailable, subjectToken } from '@weir/bus';

/** Large things in a bucket of the JetStream object store. */
export interface Objects {
  put(name: string, bytes: Uint8Array): Promise<void>;
  get(name: string): Promise<Uint8Array | undefined>;
  remove(name: string): Promise<void>;
}

export interface ObjectsOptions {
  bus: Bus;
  replicas?: number;
  storage?: 'file' | 'memory';
}

const CHUNK = 256 * 1024;
/** A read that takes this long, plus a second for each megabyte, has lost its server. */
const MIN_READ_MS = 10_000;

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
    put: (name, bytes) =>
      withBucket(async (store) => {
        await store.putBlob({ name, options: { max_chunk_size: CHUNK } }, bytes);
      }),
    get: (name) =>
      withBucket(async (store) => {
        const info = await store.info(name);
        if (info === null || info.deleted) return undefined;
        const timeoutMs = MIN_READ_MS + info.size / 1024;
        const bytes = await whileConnected(bus, timeoutMs, () => store.getBlob(name));
        return bytes ?? undefined;
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

/** Reads from the store for as long as the bus is there: by itself a read would wait for ever. */
async function whileConnected<T>(bus: Bus, timeoutMs: number, read: () => Promise<T>): Promise<T> {
  const { promise: gone, reject } = Promise.withResolvers<never>();
  const giveUp = () => reject(new BusUnavailable());
  const stop = bus.onDisconnect(giveUp);
  const timer = setTimeout(giveUp, timeoutMs);
  try {
    return await Promise.race([read(), gone]);
  } finally {
    clearTimeout(timer);
    stop();
  }
}
