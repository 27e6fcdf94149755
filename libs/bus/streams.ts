import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { errors, nanos } from '@nats-io/nats-core';
import type { Logger } from '@weir/telemetry';

export type StreamName = 'artifacts' | 'events';

export interface StreamSettings {
  /** Copies of each stream: 1 on one server, 3 on a cluster of three or more. */
  replicas?: number;
  storage?: 'file' | 'memory';
  eventsMaxAgeMs?: number;
  eventsMaxBytes?: number;
  artifactsMaxBytes?: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const SCHEMA_KEY = 'weir.schema';
/** Counted up with each change of a stream's definition, so that an older release leaves a newer one's alone. */
const SCHEMA = 1;

// Error codes of the server (its errors.json).
const STREAM_NOT_FOUND = 10059;
const STREAM_NAME_IN_USE = 10058;

type Definition = Partial<StreamConfig> & { name: string };

/** What each stream looks like: design, "NATS". */
export function streamDefinitions(settings: StreamSettings): Definition[] {
  const shared = {
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    storage: settings.storage === 'memory' ? StorageType.Memory : StorageType.File,
    num_replicas: settings.replicas ?? 1,
    duplicate_window: nanos(2 * 60 * 1000),
    allow_direct: true,
  };
  return [
    {
      ...shared,
      name: 'artifacts',
      description: 'The newest artifact of each source',
      subjects: ['weir.artifact.>'],
      max_msgs_per_subject: 1,
      max_age: 0,
      max_bytes: settings.artifactsMaxBytes ?? -1,
    },
    {
      ...shared,
      name: 'events',
      description: 'What happened, for alerts and the audit trail',
      subjects: ['weir.event.>'],
      max_msgs_per_subject: -1,
      max_age: nanos(settings.eventsMaxAgeMs ?? 7 * DAY_MS),
      max_bytes: settings.eventsMaxBytes ?? 1024 ** 3,
    },
  ];
}

/**
 * Creates the streams that are missing and changes those that differ, where the server can change them.
 * Safe to run by many at once: whoever comes second finds what it wanted. Returns each stream's info and
 * whether this call made it. Rejects with what the server says (no room, too many replicas for its size).
 */
export async function ensureStreams(
  jsm: JetStreamManager,
  settings: StreamSettings,
  log: Logger,
): Promise<{ info: StreamInfo; made: boolean }[]> {
  return Promise.all(
    streamDefinitions(settings).map((definition) => ensureStream(jsm, definition, log)),
  );
}

/** One stream, as `ensureStreams` does it: for those who keep a stream of their own. */
export async function ensureStream(
  jsm: JetStreamManager,
  definition: Definition,
  log: Logger,
): Promise<{ info: StreamInfo; made: boolean }> {
  const metadata = { ...definition.metadata, [SCHEMA_KEY]: String(SCHEMA) };
  const wanted = { ...definition, metadata };
  const found = await findStream(jsm, wanted.name);
  if (found !== undefined) return { info: await migrate(jsm, found, wanted, log), made: false };
  try {
    const info = await jsm.streams.add(wanted);
    log.info({ stream: wanted.name }, 'Created a stream');
    return { info, made: true };
  } catch (error) {
    if (!hasCode(error, STREAM_NAME_IN_USE)) throw error;
    // Somebody else made it in between, with other settings.
    const made = await jsm.streams.info(wanted.name);
    return { info: await migrate(jsm, made, wanted, log), made: false };
  }
}

async function findStream(jsm: JetStreamManager, name: string): Promise<StreamInfo | undefined> {
  try {
    return await jsm.streams.info(name);
  } catch (error) {
    if (hasCode(error, STREAM_NOT_FOUND)) return undefined;
    throw error;
  }
}

async function migrate(
  jsm: JetStreamManager,
  found: StreamInfo,
  wanted: Definition,
  log: Logger,
): Promise<StreamInfo> {
  const { config } = found;
  if (Number(config.metadata?.[SCHEMA_KEY] ?? 0) > SCHEMA) return found;
  if (config.storage !== wanted.storage) {
    log.warn(
      { stream: wanted.name, storage: config.storage, wanted: wanted.storage },
      'The storage of a stream cannot be changed: delete the stream to have it made anew',
    );
  }
  const { name, storage: _storage, retention: _retention, ...changeable } = wanted;
  const differs = Object.entries(changeable).filter(
    ([key, value]) => !sameSetting(config[key as keyof StreamConfig], value),
  );
  if (differs.length === 0) return found;
  const info = await jsm.streams.update(name, { ...config, ...Object.fromEntries(differs) });
  log.info({ stream: name, changed: differs.map(([key]) => key) }, 'Changed a stream');
  return info;
}

// The server adds keys of its own to metadata, so what is wanted must be there, not be all there is.
function sameSetting(found: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null) return found === wanted;
  if (typeof found !== 'object' || found === null) return false;
  if (Array.isArray(wanted)) return JSON.stringify(found) === JSON.stringify(wanted);
  const present: Record<string, unknown> = { ...found };
  return Object.entries(wanted).every(([key, value]) => present[key] === value);
}

export function hasCode(error: unknown, code: number): boolean {
  return error instanceof JetStreamApiError && error.code === code;
}

/** True when the stream that a call was for does not exist: the server says so, or nobody takes the subject. */
export function isStreamGone(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return [error, cause].some(
    (e) =>
      hasCode(e, STREAM_NOT_FOUND) ||
      e instanceof errors.NoRespondersError ||
      (e instanceof errors.RequestError && e.isNoResponders()),
  );
}
