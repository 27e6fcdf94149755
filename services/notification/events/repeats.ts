import { createHash } from 'node:crypto';
import { createBoundedMap } from '@weir/async';
import type { FluxEvent } from '@weir/events';
import { parseApiVersion } from '@weir/kube';

/** Recognizes events that are repeated within a time window. */
export interface Repeats {
  /**
   * An id of the event, the same for its repetitions within the window; undefined for a repetition. The window starts
   * with the first event, and repetitions don't extend it.
   */
  idOf(event: FluxEvent): string | undefined;
  /** Forgets the event, because it could not be stored. */
  forget(event: FluxEvent): void;
}

/** Events that are remembered, in all. */
const MAX_REMEMBERED = 100_000;
/** What Flux compares besides the object and the message, as metadata of the object's group. */
const COMPARED = ['originRevision', 'revision', 'token'];

export function createRepeats(windowMs: number, now: () => number = Date.now): Repeats {
  const seen = createBoundedMap<string, number>({ max: MAX_REMEMBERED });
  return {
    idOf(event) {
      const key = fingerprint(event);
      const before = seen.get(key);
      if (before !== undefined && now() - before < windowMs) return undefined;
      seen.set(key, now());
      // When two replicas get the same event within one window, the stream stores it once, by its id.
      return `repeat/${key}/${Math.floor(now() / windowMs)}`;
    },
    forget: (event) => seen.delete(fingerprint(event)),
  };
}

function fingerprint({ involvedObject, message, metadata = {} }: FluxEvent): string {
  const { apiVersion, kind, namespace, name } = involvedObject;
  const { group } = parseApiVersion(apiVersion);
  const compared = COMPARED.map((key) => metadata[`${group}/${key}`] ?? '');
  const identity = JSON.stringify([kind, namespace, name, message, ...compared]);
  return createHash('sha256').update(identity).digest('base64url');
}
