// Results as text for people.
import type { Machine } from '../machine.ts';
import { totalOf } from '../measure/requests.ts';
import type { TypicalStep } from '../measure/steps.ts';
import type { Spent } from '../measure/window.ts';
import type { Measurement } from '../measurement.ts';
import type { Results } from '../results.ts';
import { summarize } from '../statistics.ts';
import { compare } from './figures.ts';
import { formatRatio, formatValue } from './numbers.ts';

const MIB = 1024 ** 2;

/** The lines of one measurement: its times, its steps and its costs. */
export function formatMeasurement({ title }: { title: string }, measurement: Measurement): string {
  const { name, apps, times, steps = [], spent, count, unit } = measurement;
  const sections = [
    `${name}, N=${apps} (${title})`,
    ...(Object.keys(times).length > 0 ? [formatTimes(times)] : []),
    ...(steps.length > 0 ? [formatSteps(steps)] : []),
    formatRequests(spent, count, unit),
    formatProcesses(spent),
  ];
  return `${sections.join('\n\n')}\n`;
}

export function formatMachine(machine: Machine): string {
  const { cpu, cores, memoryBytes, linux, node, git, loadBefore } = machine;
  const memory = `${Math.round(memoryBytes / 1024 ** 3)} GiB`;
  return `${cores} cores of ${cpu}, ${memory}, Linux ${linux}, Node ${node}, git ${git}, load ${loadBefore.toFixed(1)} before\n`;
}

/** A table of all systems with the ratios to the first one. */
export function formatComparison(results: Results): string {
  const { systems } = results;
  const [first, ...peers] = systems;
  const titles = [
    'N',
    '',
    '',
    ...systems.map(({ title }) => title),
    ...peers.map(({ title }) => `${title} / ${first?.title}`),
  ];
  let last = '';
  const rows = compare(results).map(({ apps, id, measurement, figure, unit, values }) => {
    const isNew = last !== `${apps} ${id}`;
    last = `${apps} ${id}`;
    return [
      isNew ? String(apps) : '',
      isNew ? measurement : '',
      figure,
      ...systems.map(({ name }) => formatValue(values[name], unit)),
      ...peers.map(({ name }) => formatRatio(values[name], first && values[first.name])),
    ];
  });
  return `${table([titles, ...rows])}\n`;
}

function formatTimes(times: Measurement['times']): string {
  const rows = Object.entries(times).map(([what, values]) => {
    const { min, median, p90, max, count } = summarize(values);
    return [what, ...[min, median, p90, max].map(milliseconds), String(count)];
  });
  return table([['time, ms', 'min', 'median', 'p90', 'max', 'n'], ...rows]);
}

function formatSteps(steps: readonly TypicalStep[]): string {
  const rows = steps.map(({ name, startMs, durationMs, rounds }) => [
    name,
    milliseconds(startMs),
    milliseconds(durationMs),
    milliseconds(startMs + durationMs),
    String(rounds),
  ]);
  return table([['span, median ms', 'from', 'takes', 'to', 'n'], ...rows]);
}

function formatRequests({ requests }: Spent, count: number, unit: string): string {
  const rows = Object.entries(requests)
    .toSorted(([, a], [, b]) => totalOf(b) - totalOf(a))
    .map(([client, verbs]) => {
      const total = totalOf(verbs);
      const each = Object.entries(verbs)
        .toSorted(([, a], [, b]) => b - a)
        .map(([verb, number]) => `${number} ${verb}`);
      return [client, String(total), (total / count).toFixed(2), each.join(', ')];
    });
  return table([['requests by', 'all', `per ${unit}`, ''], ...rows]);
}

function formatProcesses({ processes }: Spent): string {
  const rows = Object.entries(processes).map(([name, use]) => [
    name,
    use.cpuSeconds.toFixed(2),
    (use.peakBytes / MIB).toFixed(0),
    (use.childrenBytes / MIB).toFixed(0),
  ]);
  return table([['process', 'CPU s', 'peak MiB', 'children'], ...rows]);
}

function milliseconds(value: number): string {
  return value.toFixed(0);
}

/** Aligns columns: the first one and those without a title to the left, all others, which are numbers, to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const titles = rows[0] ?? [];
  const widths = titles.map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (row: readonly string[]) =>
    titles
      .map((title, column) => {
        const cell = row[column] ?? '';
        const toLeft = column === 0 || title === '';
        return toLeft ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
      })
      .join('  ')
      .trimEnd();
  return rows.map((row) => `  ${line(row)}`).join('\n');
}
