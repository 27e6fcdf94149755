// The plots of a run: one file for each unit, with a panel for each measurement.
import { compare, type Row } from './report/figures.ts';
import { growthOf } from './report/growth.ts';
import { formatNumber } from './report/numbers.ts';
import type { Results } from './results.ts';
import { barChart, type Panel } from './svg.ts';

interface Plot {
  file: string;
  title: string;
  axis: string;
  /** Whether a row belongs to this plot. */
  shows(row: Row, all: readonly Row[]): boolean;
}

const PLOTS: readonly Plot[] = [
  { file: 'time', title: 'How long it takes', axis: 'seconds', shows: isMainTime },
  {
    file: 'failing',
    title: 'Commits to all apps while one fails its health check',
    axis: 'seconds until Ready',
    shows: ({ id, unit }) => id === 'failing' && unit === 's',
  },
  {
    file: 'requests',
    title: 'Requests to the API server',
    axis: 'requests by the system, Leases apart',
    shows: ({ figure }) => figure === 'its requests',
  },
  {
    file: 'cpu',
    title: 'CPU time of the system',
    axis: 'CPU seconds',
    shows: ({ figure }) => figure === 'its CPU',
  },
  {
    file: 'cpu-apiserver',
    title: 'CPU time of kube-apiserver',
    axis: 'CPU seconds',
    shows: ({ figure }) => figure === 'CPU of kube-apiserver',
  },
  {
    file: 'memory',
    title: 'Memory of the system',
    axis: 'most resident memory at a time, MiB',
    shows: ({ figure }) => figure === 'its memory',
  },
];

/** SVG files by name. */
export function plots(results: Results): Record<string, string> {
  const rows = compare(results);
  const files = PLOTS.flatMap(({ file, title, axis, shows }) => {
    const panels = panelsOf(rows.filter((row) => shows(row, rows)));
    if (panels.length === 0) return [];
    const { systems: series } = results;
    return [[`${file}.svg`, barChart({ title, axis, series, panels, format: formatNumber })]];
  });
  return Object.fromEntries([...files, ...growthPlot(results)]);
}

/** The time per Kustomization, when several numbers of them were measured. Bars of equal height mean linear growth. */
function growthPlot(results: Results): [string, string][] {
  const times = growthOf(results).filter(({ unit }) => unit === 's');
  if (times.length === 0) return [];
  const panels = [...Map.groupBy(times, ({ measurement }) => measurement)].map(
    ([title, list]): Panel => {
      const sizes = new Set(list.flatMap(({ points }) => points.map(([apps]) => apps)));
      const groups = [...sizes].map((size) => ({
        label: `N=${size}`,
        bars: list.flatMap(({ system: series, points }) =>
          points
            .filter(([apps]) => apps === size)
            .map(([, seconds]) => ({ series, value: seconds * 1_000 })),
        ),
      }));
      return { title, groups };
    },
  );
  const title = 'Time for each of N Kustomizations';
  const axis = 'milliseconds';
  const { systems: series } = results;
  return [['growth.svg', barChart({ title, axis, series, panels, format: formatNumber })]];
}

/** The main time of a measurement is its first one; when that has a p50 and a p99, both count as main times. */
function isMainTime(row: Row, all: readonly Row[]): boolean {
  if (row.unit !== 's' || row.id === 'failing') return false;
  const first = all.find(({ id, unit }) => id === row.id && unit === 's');
  return first?.figure.replace(/, p50$/, '') === row.figure.replace(/, p\d+$/, '');
}

/** One panel for each figure of each measurement. It has a group of bars for each number of apps. */
function panelsOf(rows: readonly Row[]): Panel[] {
  const byFigure = Map.groupBy(rows, ({ id, figure }) => `${id} ${figure}`);
  const repeated = new Set(rows.map(({ id }) => id)).size < byFigure.size;
  return [...byFigure.values()].flatMap((list) => {
    const [first] = list;
    if (!first) return [];
    const { measurement, figure } = first;
    return {
      title: repeated || first.unit === 's' ? shorten(measurement, figure) : measurement,
      groups: list.map(({ apps, values }) => ({
        label: `N=${apps}`,
        bars: Object.entries(values).map(([series, value]) => ({ series, value })),
      })),
    };
  });
}

/** A title: the measurement, and the part of its figure's name that distinguishes it from the others. */
function shorten(measurement: string, figure: string): string {
  const quantile = /p\d+$/.exec(figure)?.[0];
  if (measurement === 'one failing health check') return figure;
  return quantile === undefined ? measurement : `${measurement}, ${quantile}`;
}
