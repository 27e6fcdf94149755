// How what a system costs grows with the number of its Kustomizations.
import type { Results } from '../results.ts';
import { compare, type Row, type Unit } from './figures.ts';

export interface Growth {
  measurement: string;
  figure: string;
  unit: Unit;
  system: string;
  /** For a Kustomization, by number of Kustomizations; memory as a whole. */
  points: [apps: number, value: number][];
  /** What a Kustomization costs with the most of them, by what it costs with the fewest: 1 if it doesn't grow. */
  ratio?: number;
  /** Of memory: KiB for one Kustomization more. */
  slopeKib?: number;
}

/** Measurements that are about all Kustomizations. */
const GROWING = ['install', 'one', 'all', 'restart', 'idle'];
const COSTS = ['its requests', 'its CPU', 'CPU of kube-apiserver'];
const MEMORY = 'its memory';

/** Where there are several numbers of Kustomizations: the main time and the costs of each measurement. */
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
