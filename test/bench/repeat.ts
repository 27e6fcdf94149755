import { now } from './measure/clock.ts';

/** After this time, in ms, a piece of work is not repeated again. */
export const LONG_MS = 10_000;

/** Runs the work up to `rounds` times, but not again after 10 s. Returns all results, of which there is at least one. */
export async function repeat<T>(rounds: number, work: (round: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  const startedAt = now();
  do results.push(await work(results.length));
  while (results.length < rounds && now() - startedAt < LONG_MS);
  return results;
}
