import { createHash } from 'node:crypto';
import { createBoundedMap } from '@weir/async';
import { type Bus, openValues, subjectToken } from '@weir/bus';

/** A value that is kept under a key; whoever reads it checks its type. */
export interface Kept {
  get(): Promise<unknown>;
  /** Resolves when NATS has the value. This replica uses it at once. */
  put(value: object): Promise<void>;
}

/**
 * What deliveries keep about messages that they sent, such as ids by which these can be changed later. All replicas
 * share it, for two weeks. Both methods reject with BusUnavailable while NATS is away.
 */
export interface Posts {
  /** `namespace` is that of the alert. A key is any text. */
  at(namespace: string, key: string): Kept;
}

const STREAM = 'weir-posts';
/**
 * A namespace has so many places, and a key always has the same one. Two keys with one place replace each other, and
 * their messages are posted again: so no tenant can displace what others keep, whatever number of objects it has.
 */
const PLACES = 4_096;
const MAX_REMEMBERED = 10_000;

interface Entry {
  key: string;
  value: object;
  /** Its sequence in the stream; undefined while NATS doesn't have it. */
  sequence?: number;
}

export function createPosts(bus: Bus): Posts {
  const values = openValues({ bus, stream: STREAM });
  const own = createBoundedMap<string, Entry>({ max: MAX_REMEMBERED });
  const prefix = `weir.post.${subjectToken(bus.cluster)}`;

  return {
    at(namespace, key) {
      const subject = `${prefix}.${subjectToken(namespace)}.${placeOf(key)}`;
      return {
        async get() {
          const mine = own.get(subject);
          if (mine !== undefined && mine.sequence === undefined) return valueUnder(mine, key);
          const stored = await values.get(subject);
          // A replica of the stream may be behind what this process has written itself.
          const newest = (mine?.sequence ?? 0) > (stored?.seq ?? 0) ? mine : parse(stored?.data);
          return valueUnder(newest, key);
        },
        async put(value) {
          const entry: Entry = { key, value };
          own.set(subject, entry);
          entry.sequence = await values.put(subject, JSON.stringify({ key, value }));
        },
      };
    },
  };
}

function placeOf(key: string): number {
  return createHash('sha256').update(key).digest().readUInt16BE() % PLACES;
}

function valueUnder(entry: Entry | undefined, key: string): unknown {
  return entry?.key === key ? entry.value : undefined;
}

/** Undefined for what is no entry, because others may have the right to publish. */
function parse(data: Uint8Array | undefined): Entry | undefined {
  if (data === undefined) return undefined;
  try {
    const parsed = JSON.parse(Buffer.from(data).toString('utf8')) as Partial<Entry> | null;
    const { key, value } = parsed ?? {};
    return typeof key === 'string' && typeof value === 'object' && value !== null
      ? { key, value }
      : undefined;
  } catch {
    // Nothing is kept then, and the message is posted again.
    return undefined;
  }
}
