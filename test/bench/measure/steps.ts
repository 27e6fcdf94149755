// The steps of a commit: the spans of its trace, with times relative to the start of the measurement.
import type { CollectedSpan } from '@weir/cluster';
import { quantile } from '../statistics.ts';

/** One span of one round. */
export interface Step {
  name: string;
  /** Milliseconds after the start of the round. */
  startMs: number;
  durationMs: number;
}

/** The medians of a span over all rounds that had it. */
export interface TypicalStep extends Step {
  rounds: number;
}

/** The spans of the trace in which `commit` was fetched, in order; empty while the collector hasn't received it. */
export function stepsOf(
  spans: readonly CollectedSpan[],
  commit: string,
  startedAt: number,
): Step[] {
  const fetched = spans.find(
    ({ name, attributes }) => name === 'fetch' && attributes['git.commit'] === commit,
  );
  return spans
    .filter(({ traceId }) => traceId === fetched?.traceId)
    .map(({ name, startMs, endMs }) => ({
      name,
      startMs: startMs - startedAt,
      durationMs: endMs - startMs,
    }))
    .sort((a, b) => a.startMs - b.startMs);
}

/** The medians by name, in the order in which steps start. Of several spans of one name in a round, the first counts. */
export function typicalSteps(rounds: readonly (readonly Step[])[]): TypicalStep[] {
  const names = new Set(rounds.flatMap((steps) => steps.map(({ name }) => name)));
  const typical = [...names].map((name) => {
    const seen = rounds.flatMap((steps) => steps.find((step) => step.name === name) ?? []);
    const middle = (values: number[]) => quantile(values, 0.5);
    return {
      name,
      startMs: middle(seen.map(({ startMs }) => startMs)),
      durationMs: middle(seen.map(({ durationMs }) => durationMs)),
      rounds: seen.length,
    };
  });
  return typical.sort((a, b) => a.startMs - b.startMs);
}
