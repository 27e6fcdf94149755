import { DeliveryError } from './errors.ts';

const MIN_MS = 1_000;
const MAX_MS = 5 * 60_000;
/** With a factor of two, a target that refuses a third of all messages got the last of 2,000 after two minutes. */
const GROWTH = 1.5;
/** Someone may correct a Provider or a Secret while it fails; after that time the message is no longer of interest. */
const GIVE_UP_PERMANENT_MS = 15 * 60_000;
const GIVE_UP_MS = 24 * 60 * 60_000;

/**
 * Milliseconds until the next attempt after the `attempt`th failure (from 1) of a message that is `ageMs` old:
 * exponential from 1 s to 5 min, and not before the receiver allows it. Undefined when it is time to give up: after 24
 * h, after 15 min for what only a change of configuration can mend, or at once for an event that lacks something.
 */
export function retryDelayMs(error: unknown, attempt: number, ageMs: number): number | undefined {
  const known = error instanceof DeliveryError ? error : undefined;
  // Nothing can change the event, and later deliveries wait behind it.
  if (known?.reason === 'InvalidEvent') return undefined;
  const giveUpMs = known?.permanent ? GIVE_UP_PERMANENT_MS : GIVE_UP_MS;
  const backoff = Math.min(MAX_MS, MIN_MS * GROWTH ** Math.min(attempt - 1, 20));
  const delay = Math.max(backoff, known?.retryAfterMs ?? 0);
  return ageMs + delay > giveUpMs ? undefined : delay;
}
