// Saves in NATS what each Kustomization was last applied from, for the next process and for a replica that takes over:
// with it a run needs no build to know that nothing has changed. Only traces and digests are saved, never manifests,
// which may hold secrets. It is derived data: without it everything is built and compared once.
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
  /** The last applied state of the objects, as the drift watch knows it. */
  objects: LastApplied[];
}

export interface SavedBuilds {
  /** Undefined when there is none, none of this configuration, or NATS is away. */
  load(object: Kustomization): Promise<SavedBuild | undefined>;
  /** Returns at once; while NATS is away nothing is saved. */
  save(object: Kustomization, saved: SavedBuild): void;
  remove(object: Kustomization): void;
  /** Waits for what is being written. */
  close(): Promise<void>;
}

export interface SavedBuildsOptions {
  bus: Bus;
  /** A digest of everything that decides a result besides object and artifact: engine, gates, flags. */
  configuration: string;
  log: Logger;
}

/** Has to be raised with each change of what is saved or of what the digests are made of. */
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
  // Writes for one object run one after the other, so that the last one stays.
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
    // The earlier build is removed: it is outdated, and to restore it would cost a comparison with everything that has
    // changed since.
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
