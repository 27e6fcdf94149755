// What each Kustomization was last applied from, saved in NATS for a process that starts and for the replica
// that takes over: with it, what is in sync is known to be so without a build. Only traces and digests are saved, never
// a result, which may hold secrets. It is derived data: without it everything is built and compared once.
import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import type { Kustomization } from '@weir/api';
import type { LastApplied } from '@weir/apply';
import { type Bus, BusUnavailable, openValues, subjectToken } from '@weir/bus';
import { objectKey } from '@weir/kube';
import type { Logger } from '@weir/telemetry';
import type { CompletedBuild, LastBuild } from './last-builds.ts';

export interface SavedBuild {
  build: CompletedBuild & Pick<LastBuild, 'uid' | 'generation'>;
  /** What the drift watch knows of the objects. */
  objects: LastApplied[];
}

export interface SavedBuilds {
  /** Undefined when there is none, none of this configuration, or NATS is away. */
  load(object: Kustomization): Promise<SavedBuild | undefined>;
  /** Never waits; while NATS is away nothing is saved. */
  save(object: Kustomization, saved: SavedBuild): void;
  remove(object: Kustomization): void;
  /** Waits for what is being written. */
  close(): Promise<void>;
}

export interface SavedBuildsOptions {
  bus: Bus;
  /** Stands for everything beside object and artifact that decides a result: engine, gates, flags. */
  configuration: string;
  log: Logger;
}

/** Counted up with each change of what is saved or of what its digests are made of. */
const FORMAT = 2;

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);
/** Below this, compressing costs more than it saves. Characters. */
const MIN_DEFLATED = 16_384;
/** The first byte says whether the rest is deflated. */
const PLAIN = Buffer.from([0]);
const DEFLATED = Buffer.from([1]);

async function pack(text: string): Promise<Uint8Array> {
  if (text.length < MIN_DEFLATED) return Buffer.concat([PLAIN, Buffer.from(text)]);
  return Buffer.concat([DEFLATED, await deflate(text)]);
}

async function unpack(bytes: Uint8Array): Promise<string> {
  const rest = Buffer.from(bytes.subarray(1));
  return (bytes[0] === DEFLATED[0] ? await inflate(rest) : rest).toString();
}

export function createSavedBuilds({ bus, configuration, log }: SavedBuildsOptions): SavedBuilds {
  const prefix = `weir.record.${subjectToken(bus.cluster)}.kustomization`;
  const subject = ({ metadata: { uid = '' } }: Kustomization) => `${prefix}.${subjectToken(uid)}`;
  const values = openValues({ bus, stream: 'weir-records' });
  // One after the other for each object: the last one is the one that stays.
  const writing = new Map<string, Promise<void>>();

  function enqueue(object: Kustomization, write: () => Promise<void>): void {
    const key = subject(object);
    const before = writing.get(key) ?? Promise.resolve();
    const now = before.then(write).catch((error: unknown) => {
      if (error instanceof BusUnavailable) return;
      log.warn({ err: error, kustomization: objectKey(object) }, 'not saved for the next start');
    });
    writing.set(key, now);
    void now.then(() => {
      if (writing.get(key) === now) writing.delete(key);
    });
  }

  async function write(object: Kustomization, saved: SavedBuild): Promise<void> {
    const text = JSON.stringify({ format: FORMAT, configuration, saved });
    const packed = await pack(text);
    const max = values.maxBytes() ?? packed.length;
    if (packed.length <= max) {
      await values.put(subject(object), packed);
      return;
    }
    // The one from before would be of no use, and cost a comparison with everything that has changed since.
    log.info({ kustomization: objectKey(object), bytes: packed.length, max }, 'too large to save');
    await values.remove(subject(object));
  }

  return {
    async load(object) {
      try {
        const message = await values.get(subject(object));
        if (message === undefined) return undefined;
        const envelope = JSON.parse(await unpack(message.data)) as Envelope;
        const { format, saved } = envelope;
        const isOurs = format === FORMAT && envelope.configuration === configuration;
        return isOurs ? saved : undefined;
      } catch (error) {
        if (!(error instanceof BusUnavailable)) {
          log.warn(
            { err: error, kustomization: objectKey(object) },
            'the saved build is of no use',
          );
        }
        return undefined;
      }
    },
    save: (object, saved) => enqueue(object, () => write(object, saved)),
    remove: (object) => enqueue(object, () => values.remove(subject(object))),
    close: async () => {
      await Promise.all(writing.values());
    },
  };
}

interface Envelope {
  format: number;
  configuration: string;
  saved: SavedBuild;
}
