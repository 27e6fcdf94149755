import {
  JetStreamApiError,
  type JetStreamManager,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { errors } from '@nats-io/nats-core';
import type { Logger } from '@weir/telemetry';
import type { StreamDefinition } from './definitions.ts';

const SCHEMA_KEY = 'weir.schema';
/**
 * Raised with each change of a stream's definition, so that an older release doesn't change the stream of a newer one.
 */
const SCHEMA = 3;

// Error codes of the server (its errors.json).
const STREAM_NOT_FOUND = 10059;
const STREAM_NAME_IN_USE = 10058;
const NO_PEERS = 10005;
const NO_RESOURCES = 10023;
const NO_MEMORY = 10028;
const NO_STORAGE = 10047;
const MESSAGE_TOO_LARGE = 10054;

/** A smaller stream (bytes) is of little use; if there is no room even for that, the server's refusal is the error. */
const MIN_STREAM_BYTES = 1024 ** 2;

/**
 * Creates a stream if it is missing, and changes it where it differs and the server can change it. Several processes
 * may call it at once: later ones find what they want. Returns the stream's info and whether this call created it.
 * Rejects with the server's error (too many replicas for its size, a subject of another stream).
 */
export async function ensureStream(
  jsm: JetStreamManager,
  definition: StreamDefinition,
  log: Logger,
): Promise<{ info: StreamInfo; made: boolean }> {
  const metadata = { ...definition.metadata, [SCHEMA_KEY]: String(SCHEMA) };
  const wanted = { ...definition, metadata };
  const found = await findStream(jsm, wanted.name);
  if (found !== undefined) return { info: await update(jsm, found, wanted, log), made: false };
  try {
    const info = await addWithinRoom(jsm, wanted, log);
    log.info({ stream: wanted.name }, 'Created a stream');
    return { info, made: true };
  } catch (error) {
    if (!hasCode(error, STREAM_NAME_IN_USE)) throw error;
    // Another process created it in between, with other settings.
    const made = await jsm.streams.info(wanted.name);
    return { info: await update(jsm, made, wanted, log), made: false };
  }
}

export async function findStream(
  jsm: JetStreamManager,
  name: string,
): Promise<StreamInfo | undefined> {
  try {
    return await jsm.streams.info(name);
  } catch (error) {
    if (hasCode(error, STREAM_NOT_FOUND)) return undefined;
    throw error;
  }
}

/** Whether Weir created this stream: one that somebody else created is never changed or removed. */
export function isOurs({ config }: Pick<StreamInfo, 'config'>): boolean {
  return config.metadata?.[SCHEMA_KEY] !== undefined;
}

/**
 * When a stream is created, the server reserves all that it may take. If the server has less room, the stream gets
 * less, because a small store works and a missing one doesn't.
 */
async function addWithinRoom(
  jsm: JetStreamManager,
  wanted: StreamDefinition,
  log: Logger,
): Promise<StreamInfo> {
  for (let bytes = wanted.max_bytes ?? -1; ; bytes = Math.floor(bytes / 2)) {
    try {
      const info = await jsm.streams.add({ ...wanted, max_bytes: bytes } as StreamDefinition);
      if (bytes !== (wanted.max_bytes ?? -1)) {
        log.warn(
          { stream: wanted.name, bytes, wanted: wanted.max_bytes },
          'NATS has too little storage: a stream is smaller than it should be (max_file_store of the server)',
        );
      }
      return info;
    } catch (error) {
      if (!isOutOfRoom(error) || bytes / 2 < MIN_STREAM_BYTES) throw error;
    }
  }
}

async function update(
  jsm: JetStreamManager,
  found: StreamInfo,
  wanted: StreamDefinition,
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
  const changes = differences(config, changeable);
  if (Object.keys(changes).length === 0) return found;
  try {
    const info = await jsm.streams.update(name, { ...config, ...changes });
    log.info({ stream: name, changed: Object.keys(changes) }, 'Changed a stream');
    return info;
  } catch (error) {
    if (!isOutOfRoom(error)) throw error;
    const { max_bytes: _bytes, ...others } = changes;
    if (Object.keys(others).length === 0) return found;
    return jsm.streams.update(name, { ...config, ...others });
  }
}

function differences(
  config: StreamConfig,
  wanted: Omit<StreamDefinition, 'name'>,
): Partial<StreamConfig> {
  return Object.fromEntries(
    Object.entries(wanted).filter(
      ([key, value]) => !sameSetting(config[key as keyof StreamConfig], value),
    ),
  );
}

// The server adds keys of its own to metadata. So the wanted keys have to be there, and others may be there too.
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

function isOutOfRoom(error: unknown): boolean {
  if ([NO_STORAGE, NO_MEMORY, NO_RESOURCES].some((code) => hasCode(error, code))) return true;
  // In a cluster of servers this code also stands for servers that are down. Only the text tells a lack of room from that.
  return hasCode(error, NO_PEERS) && /insufficient (storage|memory)/i.test(String(error));
}

/** True for a message above what its stream takes. */
export function isTooLarge(error: unknown): boolean {
  return hasCode(error, MESSAGE_TOO_LARGE);
}

/** True when a call got no answer, as the connection was lost or closed, or the server was silent. */
export function isUnanswered(error: unknown): boolean {
  const { RequestError, TimeoutError, ClosedConnectionError, ConnectionError } = errors;
  if (error instanceof RequestError && error.cause !== undefined) return isUnanswered(error.cause);
  const kinds = [RequestError, TimeoutError, ClosedConnectionError, ConnectionError];
  return [...kinds, errors.DrainingConnectionError].some((kind) => error instanceof kind);
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
