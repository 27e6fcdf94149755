import type { KubeObject } from '@weir/kube';
import type { InvolvedObject } from './fluxevent.ts';

/** A core/v1 Event, in the fields that its recorder writes. */
export interface KubernetesEvent extends KubeObject {
  apiVersion: 'v1';
  kind: 'Event';
  involvedObject: InvolvedObject;
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  count: number;
  firstTimestamp: string;
  lastTimestamp: string;
  source: { component: string };
  reportingComponent: string;
  reportingInstance: string;
}

/** What to do with an event: write it, count up an existing one, or nothing because there were too many. */
export type Correlated =
  | { write: 'create'; event: KubernetesEvent; key: string }
  | { write: 'update'; event: KubernetesEvent; key: string }
  | { write: 'nothing' };

/**
 * Limits the number of a cluster's Events, by the rules of client-go's recorder (tools/record, EventCorrelator). A
 * repeated event counts up the first one. More than ten in ten minutes that differ only in their message become one. An
 * object may write 25 at once, and then one in five minutes.
 */
export interface Correlator {
  correlate(event: KubernetesEvent): Correlated;
  /** The Event of this key is gone from the cluster, so that the next repetition creates a new Event. */
  forget(key: string): void;
}

const MAX_KEYS = 4_096;
const SIMILAR_MAX = 10;
const SIMILAR_WINDOW_MS = 10 * 60_000;
const BURST = 25;
const REFILL_MS = 5 * 60_000;

interface Similar {
  messages: Set<string>;
  lastMs: number;
}
interface Bucket {
  tokens: number;
  atMs: number;
}

export function createCorrelator(now: () => number = Date.now): Correlator {
  const written = createRecent<KubernetesEvent>(MAX_KEYS);
  const similar = createRecent<Similar>(MAX_KEYS);
  const buckets = createRecent<Bucket>(MAX_KEYS);

  /** The event itself, or the one that represents it and similar ones. */
  function combine(event: KubernetesEvent): { event: KubernetesEvent; key: string } {
    const likeness = keyOf(event, '');
    const known = similar.get(likeness);
    const fresh = known !== undefined && now() - known.lastMs <= SIMILAR_WINDOW_MS;
    const messages = fresh ? known.messages : new Set<string>();
    messages.add(event.message);
    similar.set(likeness, { messages, lastMs: now() });
    if (messages.size < SIMILAR_MAX) return { event, key: keyOf(event, event.message) };
    const [oldest] = messages;
    if (oldest !== undefined && messages.size > SIMILAR_MAX) messages.delete(oldest);
    const message = `(combined from similar events): ${event.message}`;
    return { event: { ...event, message }, key: likeness };
  }

  function tooMany(event: KubernetesEvent): boolean {
    const key = objectKey(event);
    const bucket = buckets.get(key) ?? { tokens: BURST, atMs: now() };
    const refilled = (now() - bucket.atMs) / REFILL_MS;
    const tokens = Math.min(BURST, bucket.tokens + refilled);
    buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, atMs: now() });
    return tokens < 1;
  }

  return {
    correlate: (original) => {
      const { event, key } = combine(original);
      const before = written.get(key);
      const observed: KubernetesEvent =
        before === undefined
          ? event
          : {
              ...event,
              metadata: before.metadata,
              firstTimestamp: before.firstTimestamp,
              count: before.count + 1,
            };
      if (tooMany(event)) return { write: 'nothing' };
      written.set(key, observed);
      return { write: before === undefined ? 'create' : 'update', event: observed, key };
    },
    forget: (key) => written.delete(key),
  };
}

function objectKey({ source, involvedObject: object }: KubernetesEvent): string {
  return JSON.stringify([
    source.component,
    object.apiVersion,
    object.kind,
    object.namespace,
    object.name,
    object.uid,
  ]);
}

function keyOf(event: KubernetesEvent, message: string): string {
  return JSON.stringify([objectKey(event), event.type, event.reason, message]);
}

interface Recent<T> {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  delete(key: string): void;
}

/** A map of bounded size: the entry that was set longest ago is dropped first. */
function createRecent<T>(limit: number): Recent<T> {
  const values = new Map<string, T>();
  return {
    get: (key) => values.get(key),
    set: (key, value) => {
      values.delete(key);
      values.set(key, value);
      const [oldest] = values.keys();
      if (values.size > limit && oldest !== undefined) values.delete(oldest);
    },
    delete: (key) => void values.delete(key),
  };
}
