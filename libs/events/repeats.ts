import { createHash } from 'node:crypto';
import { createBoundedMap } from '@weir/async';
import type { FluxEvent } from './fluxevent.ts';

/** Whether a failure was published a moment ago. */
export type IsRepeat = (event: FluxEvent) => boolean;

/** As in Flux's notification-controller, counted from the first event. Milliseconds. */
const WINDOW_MS = 5 * 60_000;
/** Failures that are remembered, in all. */
const MAX_REMEMBERED = 20_000;
/** Metadata in which two events of one failure must agree, after the API group, as in Flux. */
const DISTINGUISHING = /\/(revision|originRevision|token)$/;

/**
 * Finds failures that repeat: the same object, message and revision within five minutes. An object belongs to one
 * replica at a time, so the memory of one process is enough. Other events than failures are not repeated each second,
 * so they never count as repeats.
 */
export function createRepeats(now: () => number = () => performance.now()): IsRepeat {
  const published = createBoundedMap<string, number>({ max: MAX_REMEMBERED });
  return (event) => {
    if (event.severity !== 'error') return false;
    const key = fingerprint(event);
    const before = published.get(key);
    if (before !== undefined && now() - before < WINDOW_MS) return true;
    published.set(key, now());
    return false;
  };
}

/** A digest in place of the text, because a message may have 39,000 characters. */
function fingerprint({ involvedObject, message, metadata = {} }: FluxEvent): string {
  const { kind, namespace, name } = involvedObject;
  const revisions = Object.entries(metadata).filter(([key]) => DISTINGUISHING.test(key));
  const identity = JSON.stringify([kind, namespace, name, message, revisions.sort()]);
  return createHash('sha256').update(identity).digest('base64');
}
