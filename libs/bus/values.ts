import {
  type JetStreamManager,
  StorageType,
  type StoredMsg,
  type StreamConfig,
} from '@nats-io/jetstream';
import type { Logger } from '@weir/telemetry';
import type { Bus } from './bus.ts';
import { ensureStream, isStreamGone } from './streams.ts';

/**
 * A stream of which the last message of each subject counts: small values that all replicas share. All
 * methods reject with BusUnavailable while NATS is away.
 */
export interface Values {
  /** The newest value of the subject. */
  get(subject: string): Promise<StoredMsg | undefined>;
  put(subject: string, value: Uint8Array | string): Promise<void>;
  remove(subject: string): Promise<void>;
  /** Runs a call that is safe to repeat, again if the stream had to be made anew. */
  manage<T>(call: (jsm: JetStreamManager) => Promise<T>): Promise<T>;
  /** The most that a value may take, in bytes, as far as is known. */
  maxBytes(): number | undefined;
}

export interface ValuesOptions {
  bus: Bus;
  /** Created at the first use, in files unless it says otherwise; `max_msgs_per_subject` is 1 and `allow_direct` on, whatever it says. */
  stream: Partial<StreamConfig> & { name: string };
  log: Logger;
}

/** What headers and subject take of a message. */
const OVERHEAD_BYTES = 4_096;

export function openValues({ bus, stream, log }: ValuesOptions): Values {
  const definition = {
    storage: StorageType.File,
    ...stream,
    max_msgs_per_subject: 1,
    allow_direct: true,
  };
  const { name } = stream;
  let opening: Promise<JetStreamManager> | undefined;
  bus.onDisconnect(() => {
    opening = undefined;
  });

  async function manager(): Promise<JetStreamManager> {
    const js = await bus.jetstream();
    opening ??= js.jetstreamManager(false).then(async (jsm) => {
      await ensureStream(jsm, definition, log);
      return jsm;
    });
    try {
      return await opening;
    } catch (error) {
      opening = undefined;
      throw error;
    }
  }

  async function manage<T>(call: (jsm: JetStreamManager) => Promise<T>): Promise<T> {
    try {
      return await call(await manager());
    } catch (error) {
      if (!isStreamGone(error)) throw error;
      opening = undefined;
      return call(await manager());
    }
  }

  return {
    manage,
    async get(subject) {
      const query = { last_by_subj: subject };
      // Any copy of the stream answers the first; the leader, who knows for sure, only when that has nothing.
      const message = await manage(
        async (jsm) =>
          (await jsm.direct.getMessage(name, query)) ?? (await jsm.streams.getMessage(name, query)),
      );
      return message ?? undefined;
    },
    async put(subject, value) {
      await manage(async () => (await bus.jetstream()).publish(subject, value));
    },
    async remove(subject) {
      await manage((jsm) => jsm.streams.purge(name, { filter: subject }));
    },
    maxBytes() {
      const max = bus.nc()?.info?.max_payload;
      return max === undefined ? undefined : max - OVERHEAD_BYTES;
    },
  };
}
