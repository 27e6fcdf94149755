import type { StoredMsg } from '@nats-io/jetstream';
import type { Bus } from './bus.ts';
import type { StreamName } from './definitions.ts';
import { type Manage, manageStream } from './managed.ts';
import { readMessage } from './read-message.ts';

/**
 * A stream whose last message of each subject is its value: small values that all replicas share. All methods reject
 * with BusUnavailable while NATS is away, or the stream of another service is missing.
 */
export interface Values {
  /** The newest value of the subject. */
  get(subject: string): Promise<StoredMsg | undefined>;
  /** Resolves with the value's sequence in the stream: a later value of a subject has a larger one. */
  put(subject: string, value: Uint8Array | string): Promise<number>;
  remove(subject: string): Promise<void>;
  /** Runs a call that is safe to repeat, and repeats it if the stream had to be created anew. */
  manage: Manage;
  /** The largest value, in bytes, as far as it is known. */
  maxBytes(): number | undefined;
}

/** Bytes of a message that are left for its headers and its subject. */
const OVERHEAD_BYTES = 4_096;

export function openValues({ bus, stream }: { bus: Bus; stream: StreamName }): Values {
  const manage = manageStream(bus, stream);

  return {
    manage,
    get(subject) {
      const query = { last_by_subj: subject };
      return manage((jsm) => readMessage(jsm, stream, query));
    },
    async put(subject, value) {
      const { seq } = await manage(async () => (await bus.jetstream()).publish(subject, value));
      return seq;
    },
    async remove(subject) {
      await manage((jsm) => jsm.streams.purge(stream, { filter: subject }));
    },
    maxBytes() {
      const max = bus.nc()?.info?.max_payload;
      return max === undefined ? undefined : max - OVERHEAD_BYTES;
    },
  };
}
