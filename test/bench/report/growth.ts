// How the costs of a system grow with the number of its Kustomizations or HelmReleases.
import type { Results } from '../results.ts';
import { compare, type Row, type Unit } from './figures.ts';

export interface Growth {
  measurement: string;
  figure: string;
  unit: Unit;
  system: string;
  /** The cost of one Kustomization by the number of Kustomizations; for memory, the cost of all. */
  points: [apps: number, value: number][];
  /** The cost of one Kustomization at the largest number, divided by that at the smallest: 1 means linear growth. */
  ratio?: number;
  /** For memory: the KiB that each further Kustomization adds. */
  slopeKib?: number;
}

/** The measurements that concern all Kustomizations. */
const GROWING = [
  ...['install', 'one', 'all', 'restart', 'idle'],
  ...['helm-install', 'helm-one', 'helm-all', 'helm-idle'],
];
const COSTS = ['its requests', 'its CPU', 'CPU of kube-apiserver'];
const MEMORY = 'its memory';

/** The main time and the costs of each measurement that was made with several numbers of Kustomizations. */
export function growthOf(results: Results): Growth[] {
  const rows = compare(results).filter(({ id }) => GROWING.includes(id));
  const main = new Map<string, string>();
  for (const { id, figure, unit } of rows) {
    if (unit === 's' && !main.has(id)) main.set(id, figure);
  }
  const shown = rows.filter(
    ({ id, figure }) => figure === main.get(id) || figure === MEMORY || COSTS.includes(figure),
  );
  const series = Map.groupBy(shown, ({ id, figure }) => JSON.stringify([id, figure]));
  return [...series.values()].flatMap((list) =>
    results.systems.flatMap(({ name }) => growthOfSeries(list, name)),
  );
}

function growthOfSeries(rows: readonly Row[], system: string): Growth[] {
  const values = rows.flatMap(({ apps, values }): [number, number][] => {
    const value = values[system];
    return value === undefined ? [] : [[apps, value]];
  });
  const [first, last, about] = [values[0], values.at(-1), rows[0]];
  if (values.length < 2 || !first || !last || !about) return [];
  const { measurement, figure, unit } = about;
  const common = { measurement, figure, unit, system };
  if (figure === MEMORY) {
    const slopeKib = ((last[1] - first[1]) / (last[0] - first[0])) * 1024;
    return [{ ...common, points: values, slopeKib }];
  }
  const points = values.map(([apps, value]): [number, number] => [apps, value / apps]);
  const [least, most] = [first[1] / first[0], last[1] / last[0]];
  return [{ ...common, points, ...(least > 0 ? { ratio: most / least } : {}) }];
}
