// Answers of remotes, shared between objects that ask the same.
import { createBoundedMap, createFreshFlight } from '@weir/async';

/**
 * Asks, unless an answer is recent enough; all callers that wait at the same time share the next answer.
 * @param maxAgeMs how long ago the question of an answer may have been asked; with 0 the answer is never older than the
 * call
 */
export type SharedAnswers<T> = (key: string, maxAgeMs: number, ask: () => Promise<T>) => Promise<T>;

/** Answers that are kept. */
const KEPT = 10_000;

/** @param now the monotonic clock, in ms */
export function createSharedAnswers<T>(now = () => performance.now()): SharedAnswers<T> {
  const share = createFreshFlight<T>();
  const kept = createBoundedMap<string, { askedAt: number; answer: T }>({ max: KEPT });
  return async (key, maxAgeMs, ask) => {
    const known = kept.get(key);
    if (known !== undefined && now() - known.askedAt < maxAgeMs) return known.answer;
    return share(key, async () => {
      const askedAt = now();
      const answer = await ask();
      kept.set(key, { askedAt, answer });
      return answer;
    });
  };
}
