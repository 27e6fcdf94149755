/** A summary of a series of measurements, in the unit of the series. */
export interface Summary {
  count: number;
  min: number;
  median: number;
  p90: number;
  max: number;
}

/** Summarizes a series. Throws for an empty one. */
export function summarize(values: readonly number[]): Summary {
  return {
    count: values.length,
    min: quantile(values, 0),
    median: quantile(values, 0.5),
    p90: quantile(values, 0.9),
    max: quantile(values, 1),
  };
}

/** The value below which the share `q` (0 to 1) of a series lies, interpolated between its neighbours. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const position = q * (sorted.length - 1);
  const below = sorted[Math.floor(position)];
  const above = sorted[Math.ceil(position)];
  if (below === undefined || above === undefined) throw new Error('a series without values');
  return below + (above - below) * (position - Math.floor(position));
}
