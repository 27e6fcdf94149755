import {
  DeliverPolicy,
  DiscardPolicy,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream';
import { type Bus, openValues, subjectToken } from '@weir/bus';
import type { Logger } from '@weir/telemetry';
import { digestName, nameDigest } from './digest.ts';
import { createObjects } from './objects.ts';

/** Artifacts in NATS, shared by all replicas. Rejects with BusUnavailable while NATS is away. */
export interface Blobs {
  put(digest: string, content: Part, manifest: Part): Promise<void>;
  has(digest: string): Promise<boolean>;
  /** The tar.gz as it comes. */
  content(digest: string): Promise<AsyncIterable<Uint8Array> | undefined>;
  manifest(digest: string): Promise<Uint8Array | undefined>;
  list(): Promise<StoredArtifact[]>;
  remove(digest: string): Promise<void>;
}

/** What is stored of an artifact; each iteration reads it from its beginning. */
export interface Part {
  /** Bytes. */
  size: number;
  content: AsyncIterable<Uint8Array>;
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
type PartName = (typeof PARTS)[number];

/** What the index message of an artifact holds. It is written last: with it the artifact is whole. */
interface Index {
  size: number;
  /** The parts that were too large for a message and are objects. */
  objects: PartName[];
}

const STREAM = 'blobs';
/**
 * Parts up to this size (half of what a server takes by default) are one message, which is read back with one
 * request: 0.3 ms at 4 kB and 1.2 ms at 100 kB, where an object with its own consumer takes 4.0 and 8.6 ms.
 */
const MAX_MESSAGE = 512 * 1024;

/** Artifacts as messages of a stream, and their large parts in an object store bucket. */
export function createBlobs(options: BlobOptions): Blobs {
  const { bus } = options;
  const prefix = `weir.blob.${subjectToken(bus.cluster)}`;
  const subject = (digest: string, part: PartName | 'index') =>
    `${prefix}.${digestName(digest)}.${part}`;
  const objectName = (digest: string, part: PartName) => `${digestName(digest)}.${part}`;
  const objects = createObjects(options);
  const values = openValues({ bus, stream: streamDefinition(options), log: options.log });

  async function readIndex(digest: string): Promise<Index | undefined> {
    return (await values.get(subject(digest, 'index')))?.json<Index>();
  }

  async function readPart(
    digest: string,
    part: PartName,
  ): Promise<AsyncIterable<Uint8Array> | undefined> {
    const index = await readIndex(digest);
    if (index === undefined) return undefined;
    if (index.objects.includes(part)) return objects.get(objectName(digest, part));
    const message = await values.get(subject(digest, part));
    return message && only(message.data);
  }

  async function writePart(digest: string, part: PartName, value: Part): Promise<boolean> {
    if (value.size > Math.min(MAX_MESSAGE, values.maxBytes() ?? MAX_MESSAGE)) {
      await objects.put(objectName(digest, part), value.content);
      return true;
    }
    await values.put(subject(digest, part), await readAll(value.content));
    return false;
  }

  return {
    put: async (digest, content, manifest) => {
      const known = await readIndex(digest);
      const index: Index = known ?? { size: content.size, objects: [] };
      if (known === undefined) {
        const parts = { manifest, content };
        const large = await Promise.all(
          PARTS.map(async (part) => ((await writePart(digest, part, parts[part])) ? [part] : [])),
        );
        index.objects.push(...large.flat());
      }
      // Also for one that is there already: its age counts from the last put.
      await values.put(subject(digest, 'index'), JSON.stringify(index));
    },
    has: async (digest) => (await readIndex(digest)) !== undefined,
    content: (digest) => readPart(digest, 'content'),
    manifest: async (digest) => {
      const content = await readPart(digest, 'manifest');
      return content && readAll(content);
    },
    list: () => values.manage((jsm) => listIndex(jsm, bus, `${prefix}.*.index`)),
    remove: async (digest) => {
      const index = await readIndex(digest);
      for (const part of ['index', ...PARTS] as const) await values.remove(subject(digest, part));
      for (const part of index?.objects ?? []) await objects.remove(objectName(digest, part));
    },
  };
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function readAll(content: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
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
  };
}
