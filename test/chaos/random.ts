/** Returns numbers in [0, 1). The same seed gives the same numbers, so that a run can be repeated. */
export type Random = () => number;

/** Mulberry32 by Tommy Ettinger (public domain), a small generator that is random enough for choosing processes. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A random element of `list`, which must not be empty. */
export function pick<T>(list: readonly T[], random: Random): T {
  const chosen = list[Math.floor(random() * list.length)];
  if (chosen === undefined) throw new RangeError('there is nothing to pick from');
  return chosen;
}
