// How many requests Weir may send to the API server. Unlike times, counts don't depend on the machine, so that exceeding
// them can fail a build.
import { compare } from './report/figures.ts';
import type { Results } from './results.ts';

/** The largest number of requests that one round of a measurement may need: `anApp` for each app, and `besides`. */
interface Budget {
  /** The id of the measurement. */
  id: string;
  figure: 'its requests' | 'of these writes';
  anApp: number;
  besides: number;
}

/**
 * Counts of all services together, without requests for Leases. Each is what a run needs today, with a reserve for what
 * depends on timing, such as the progress that a reconcile of more than a second writes.
 */
export const BUDGETS: readonly Budget[] = [
  { id: 'install', figure: 'its requests', anApp: 14, besides: 40 },
  { id: 'one', figure: 'its requests', anApp: 1, besides: 20 },
  { id: 'all', figure: 'its requests', anApp: 8, besides: 30 },
  { id: 'chain', figure: 'its requests', anApp: 17, besides: 30 },
  { id: 'restart', figure: 'its requests', anApp: 0, besides: 40 },
  { id: 'restart', figure: 'of these writes', anApp: 0, besides: 0 },
  { id: 'idle', figure: 'its requests', anApp: 0, besides: 20 },
  { id: 'idle', figure: 'of these writes', anApp: 0, besides: 0 },
  { id: 'helm-install', figure: 'its requests', anApp: 22, besides: 30 },
  { id: 'helm-all', figure: 'its requests', anApp: 20, besides: 20 },
  { id: 'helm-one', figure: 'its requests', anApp: 0, besides: 20 },
  { id: 'helm-idle', figure: 'its requests', anApp: 0, besides: 20 },
  { id: 'helm-idle', figure: 'of these writes', anApp: 0, besides: 0 },
];

/** A line for each count of Weir that exceeds its budget. Budgets of measurements that were not made are not checked. */
export function overBudget(results: Results): string[] {
  const rows = compare(results);
  return BUDGETS.flatMap(({ id, figure, anApp, besides }) =>
    rows
      .filter((row) => row.id === id && row.figure === figure)
      .flatMap(({ apps, measurement, values }) => {
        const budget = anApp * apps + besides;
        const count = values.weir ?? 0;
        if (count <= budget) return [];
        const allowed = `${budget} (${anApp} an app and ${besides})`;
        return [`${measurement}, N=${apps}: ${figure} ${count}, allowed are ${allowed}`];
      }),
  );
}
