/** The clock that queue and membership use. Tests pass one that they move themselves. */
export interface Clock {
  /** Milliseconds of a clock that never jumps and stands still while the machine sleeps; only differences have a meaning. */
  now(): number;
  /** Milliseconds since 1970 by the machine's clock, which may be set in either direction and runs while it sleeps. */
  wall(): number;
  /** Calls back once after `ms`, which may exceed the limit of setTimeout. Returns a function that cancels it. */
  timer(callback: () => void, ms: number): () => void;
}

/** setTimeout counts up to 2^31-1 ms, and fires at once when it gets a longer time. */
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

/** One point in time on both clocks, in ms. */
export interface Moment {
  now: number;
  wall: number;
}

export function moment(clock: Clock): Moment {
  return { now: clock.now(), wall: clock.wall() };
}

/**
 * The longest time, in ms, that may have passed since a moment. The steady clock stands still while a machine sleeps
 * and the wall clock can be set back, so the larger difference of the two counts. This is for deciding whether this
 * replica may still act, where too long is safe. It must not decide whether another replica may still act.
 */
export function longestSince(since: Moment, clock: Clock): number {
  return Math.max(clock.now() - since.now, clock.wall() - since.wall);
}
