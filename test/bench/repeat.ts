import { now } from './measure/clock.ts';

/** What is repeated until this time is over. Milliseconds. */
export const LONG_MS = 10_000;

/** Repeats what is short: `rounds` times at most, and not again after 10 s. Gives each result, one at least. */
export async function repeat<T>(rounds: number, work: (round: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  const startedAt = now();
  do results.push(await work(results.length));
  while (results.length < rounds && now() - startedAt < LONG_MS);
  return results;
}
