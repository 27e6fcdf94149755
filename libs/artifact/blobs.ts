import {
  DeliverPolicy,
  DiscardPolicy,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StoredMsg,
} from '@nats-io/jetstream';
import { type Bus, ensureStream, isStreamGone, subjectToken } from '@weir/events';
import type { Logger } from '@weir/telemetry';
import { digestName, nameDigest } from './digest.ts';
import { createObjects } from './objects.ts';

/** Artifacts in NATS, shared by all replicas. Rejects with BusUnavailable while NATS is away. */
export interface Blobs {
  put(digest: string, content: Uint8Array, manifest: Uint8Array): Promise<void>;
  has(digest: string): Promise<boolean>;
  content(digest: string): Promise<Uint8Array | undefined>;
  manifest(digest: string): Promise<Uint8Array | undefined>;
  list(): Promise<StoredArtifact[]>;
  remove(digest: string): Promise<void>;
}

export interface StoredArtifact {
  digest: string;
  /** Bytes of the tar.gz. */
  size: number;
  /** When it was last put. */
  modified: Date;
}

export interface BlobOptions {
  bus: Bus;
  replicas?: number;
  storage?: 'file' | 'memory';
  log: Logger;
}

const PARTS = ['manifest', 'content'] as const;
type Part = (typeof PARTS)[number];

/** What the index message of an artifact holds. It is written last: with it the artifact is whole. */
interface Index {
  size: number;
  /** The parts that were too large for a message and are objects. */
  objects: Part[];
}

const STREAM = 'blobs';
/**
 * Parts up to this size (half of what a server takes by default) are one message, which is read back with one
 * request: 0.3 ms at 4 kB and 1.2 ms at 100 kB, where an object with its own consumer takes 4.0 and 8.6 ms.
 */
const MAX_MESSAGE = 512 * 1024;

/** Artifacts as messages of a stream, and their large parts in an object store bucket. */
export function createBlobs(options: BlobOptions): Blobs {
  const { bus, log } = options;
  const prefix = `weir.blob.${subjectToken(bus.cluster)}`;
  const subject = (digest: string, part: Part | 'index') =>
    `${prefix}.${digestName(digest)}.${part}`;
  const objectName = (digest: string, part: Part) => `${digestName(digest)}.${part}`;
  const objects = createObjects(options);
  let opening: Promise<JetStreamManager> | undefined;
  bus.onDisconnect(() => {
    opening = undefined;
  });

  async function manager(): Promise<JetStreamManager> {
    const js = await bus.jetstream();
    opening ??= js.jetstreamManager(false).then(async (jsm) => {
      await ensureStream(jsm, streamDefinition(options), log);
      return jsm;
    });
    try {
      return await opening;
    } catch (error) {
      opening = undefined;
      throw error;
    }
  }

  /** Runs a call that is safe to repeat, again if the stream had to be made anew. */
  async function withStream<T>(run: (jsm: JetStreamManager) => Promise<T>): Promise<T> {
    try {
      return await run(await manager());
    } catch (error) {
      if (!isStreamGone(error)) throw error;
      opening = undefined;
      return run(await manager());
    }
  }

  async function read(digest: string, part: Part | 'index'): Promise<StoredMsg | undefined> {
    const query = { last_by_subj: subject(digest, part) };
    // Any copy of the stream answers the first; the leader, who knows for sure, only when that has nothing.
    const message = await withStream(
      async (jsm) =>
        (await jsm.direct.getMessage(STREAM, query)) ??
        (await jsm.streams.getMessage(STREAM, query)),
    );
    return message ?? undefined;
  }

  async function readPart(digest: string, part: Part): Promise<Uint8Array | undefined> {
    const index = (await read(digest, 'index'))?.json<Index>();
    if (index === undefined) return undefined;
    if (index.objects.includes(part)) return objects.get(objectName(digest, part));
    return (await read(digest, part))?.data;
  }

  async function writePart(digest: string, part: Part, bytes: Uint8Array): Promise<boolean> {
    const max = Math.min(MAX_MESSAGE, (bus.nc()?.info?.max_payload ?? MAX_MESSAGE) - 4_096);
    if (bytes.length > max) {
      await objects.put(objectName(digest, part), bytes);
      return true;
    }
    const js = await bus.jetstream();
    await js.publish(subject(digest, part), bytes);
    return false;
  }

  return {
    put: async (digest, content, manifest) => {
      const known = (await read(digest, 'index'))?.json<Index>();
      const index: Index = known ?? { size: content.length, objects: [] };
      if (known === undefined) {
        const parts = { manifest, content };
        const large = await Promise.all(
          PARTS.map(async (part) => ((await writePart(digest, part, parts[part])) ? [part] : [])),
        );
        index.objects.push(...large.flat());
      }
      // Also for one that is there already: its age counts from the last put.
      const js = await bus.jetstream();
      await js.publish(subject(digest, 'index'), JSON.stringify(index));
    },
    has: async (digest) => (await read(digest, 'index')) !== undefined,
    content: (digest) => readPart(digest, 'content'),
    manifest: (digest) => readPart(digest, 'manifest'),
    list: () => withStream((jsm) => listIndex(jsm, bus, `${prefix}.*.index`)),
    remove: async (digest) => {
      const jsm = await manager();
      const index = (await read(digest, 'index'))?.json<Index>();
      for (const part of ['index', ...PARTS] as const) {
        await jsm.streams.purge(STREAM, { filter: subject(digest, part) });
      }
      for (const part of index?.objects ?? []) await objects.remove(objectName(digest, part));
    },
  };
}

async function listIndex(
  jsm: JetStreamManager,
  bus: Bus,
  filter: string,
): Promise<StoredArtifact[]> {
  const js = await bus.jetstream();
  const found: StoredArtifact[] = [];
  const { state } = await jsm.streams.info(STREAM, { subjects_filter: filter });
  const count = Object.keys(state.subjects ?? {}).length;
  if (count === 0) return found;
  const consumer = await js.consumers.get(STREAM, {
    filter_subjects: [filter],
    deliver_policy: DeliverPolicy.LastPerSubject,
  });
  const { num_pending: pending } = await consumer.info(true);
  if (pending === 0) return found;
  const messages = await consumer.fetch({ max_messages: pending, expires: 10_000 });
  for await (const message of messages) {
    const digest = nameDigest(message.subject.split('.').at(-2) ?? '');
    const { size } = message.json<Index>();
    if (digest !== undefined) found.push({ digest, size, modified: message.time });
    if (found.length === pending) break;
  }
  return found;
}

function streamDefinition({ replicas, storage }: BlobOptions) {
  return {
    name: STREAM,
    description: 'Artifacts by digest: their index, and the parts that fit into a message',
    subjects: ['weir.blob.>'],
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    storage: storage === 'memory' ? StorageType.Memory : StorageType.File,
    num_replicas: replicas ?? 1,
    max_msgs_per_subject: 1,
    allow_direct: true,
  };
}
