/** Time as the queue and the membership see it; tests pass one that they move themselves. */
export interface Clock {
  /** Milliseconds of a clock that never jumps; only differences mean something. */
  now(): number;
  /** Milliseconds since 1970, as the machine believes; may jump either way, and goes on while it sleeps. */
  wall(): number;
  /** Calls back once after `ms`, which may be longer than a plain timer can count; returns the way to stop that. */
  timer(callback: () => void, ms: number): () => void;
}

/** A plain timer counts up to 2^31-1 ms and fires at once when asked for more. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  timer(callback, ms) {
    let timer: NodeJS.Timeout;
    const arm = (left: number) => {
      const step = Math.min(left, LONGEST_TIMER_MS);
      timer = setTimeout(() => (left > step ? arm(left - step) : callback()), step);
    };
    arm(Math.max(0, ms));
    return () => clearTimeout(timer);
  },
};

/** A moment on both clocks. */
export interface Moment {
  now: number;
  wall: number;
}

export function moment(clock: Clock): Moment {
  return { now: clock.now(), wall: clock.wall() };
}

/**
 * The most time that may have passed since: the steady clock stands still while a machine sleeps, and
 * the wall clock can be set back, so the larger of the two counts. For what we may still do, never for
 * what others can no longer do.
 */
export function longestSince(since: Moment, clock: Clock): number {
  return Math.max(clock.now() - since.now, clock.wall() - since.wall);
}
